//! Tests of the events that an event means, in short notation: `-a|b` is a delete of `a`, or else of `b`; `a|b>c|d` a rename, `+a|b` a create.

use super::*;
use crate::record::OtherSpellings;

fn keys(text: &str) -> (ObjectKey, Vec<ObjectKey>) {
    let mut keys = text.split('|').map(|key| ObjectKey::new(key).expect("not empty"));
    (keys.next().expect("a first one"), keys.collect())
}

fn event(text: &str) -> Event {
    if let Some((from, to)) = text.split_once('>') {
        let ((path, others), (new_path, new_others)) = (keys(from), keys(to));
        let other_spellings = OtherSpellings { path: others, new_path: new_others };
        return Event { new_path: Some(new_path), other_spellings, ..Event::new(EventKind::Rename, path) };
    }
    let (kind, rest) = text.split_at(1);
    let (path, others) = keys(rest);
    let kind = if kind == "-" { EventKind::Delete } else { EventKind::Create };
    Event { other_spellings: OtherSpellings { path: others, new_path: Vec::new() }, ..Event::new(kind, path) }
}

fn shown(event: &Event) -> String {
    match (&event.new_path, event.kind) {
        (Some(new_path), _) => format!("{}>{new_path}", event.path),
        (None, EventKind::Delete) => format!("-{}", event.path),
        (None, EventKind::Touch) => format!("?{}", event.path),
        (None, _) => format!("+{}", event.path),
    }
}

/// The facts in short notation: `a!` is there, `a~` was there, `a?` is known, `a#` could not be looked up.
fn meant(text: &str, facts: &str) -> String {
    let event = event(text);
    assert_eq!(event.has_other_spellings(), text.contains('|'));
    let facts_of = |key: &ObjectKey| {
        let has = |mark: char| facts.split(' ').any(|fact| fact == format!("{}{mark}", key.as_str()));
        SpellingFacts { is_there: has('!'), failed: has('#'), was_there: has('~'), is_known: has('~') || has('?') }
    };
    let concerned = event.concerned_paths(&|key| facts_of(key).is_there, &|key| facts_of(key).is_known);
    let facts = concerned.into_iter().map(|key| (key, facts_of(key))).collect();
    events_meant(&event, &facts).iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_table() {
    for (text, facts, expected) in [
        ("+a", "", "+a"),
        ("+a|b", "a!", "+a"),
        ("+a|b", "b!", "+b"),
        ("+a|b", "a! b!", "+a"),
        ("+a|b|c", "c!", "+c"),
        // Nothing decides: the most likely one.
        ("+a|b", "", "+a"),
        // An object that is not there any more, and one that could not be looked up.
        ("+a|b", "b~", "+b"),
        ("+a|b", "b#", "+b"),
        ("+a|b", "a~ b!", "+b ?a"),
        // A key that is known and not concerned.
        ("+a|b", "a! b~", "+a"),
        ("-a|b", "", "-a"),
        ("-a|b", "a~", "-a"),
        ("-a|b", "b~", "-b"),
        // Said to be gone, and found.
        ("-a|b", "b!", "-a -b"),
        ("-a|b", "a~ b~", "-a -b"),
        ("-a|b", "a! a~ b~", "-b -a"),
        ("-a|b", "a! a~ b! b~", "-a -b"),
        ("-a|b", "a! a~", "-a"),
        ("-a|b", "b?", "-b"),
        ("a|b>c|d", "a~ c!", "a>c"),
        ("a|b>c|d", "b~ d!", "b>d"),
        ("a|b>c|d", "b~ c!", "b>c"),
        ("a|b>c|d", "a~ b~ d!", "b>d -a"),
        ("a|b>c|d", "d!", "b>d"),
        ("a|b>c|d", "a! a~ b~ c!", "b>c -a"),
        ("a|b>c|d", "", "a>c"),
        // The new path is the only spelling of the path.
        ("a>b|a", "a!", "?a"),
    ] {
        assert_eq!(meant(text, facts), expected, "{text}, {facts}");
    }
}

#[test]
fn permissions_belong_to_the_spelling_that_was_chosen() {
    let permissions = crate::record::Permissions { owner: Some("x".to_owned()), ..crate::record::Permissions::default() };
    let event = Event { permissions: permissions.clone(), ..event("+a|b") };
    for (at, expected) in [("a", "a"), ("b", "b"), ("nowhere", "a")] {
        let facts = |key: &ObjectKey| SpellingFacts { is_there: key.as_str() == at, ..SpellingFacts::default() };
        let meant = events_meant(&event, &event.spellings().map(|key| (key, facts(key))).collect());
        assert_eq!(meant.len(), 1);
        assert_eq!((meant[0].path.as_str(), &meant[0].permissions), (expected, &permissions));
    }
}
