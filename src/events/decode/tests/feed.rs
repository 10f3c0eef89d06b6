//! Decoding the events of the events API.

use super::super::{Scope, feed_event};
use super::{fixture, scope, shown};
use crate::run::IgnoredEvents;
use serde_json::{Value, json};

/// Each event as a line: the event, `-` if ignored, or the reason of its decoding error.
fn decoded_lines(events: &[Value], scope: &Scope) -> (Vec<String>, IgnoredEvents) {
    let mut ignored = IgnoredEvents::default();
    let lines = events.iter().map(|event| {
        let decoded = feed_event(event.to_string().as_bytes(), scope);
        ignored = std::mem::take(&mut ignored).and(decoded.ignored);
        match decoded.outcome {
            Ok(event) => event.as_ref().map_or_else(|| "-".to_owned(), shown),
            Err(error) => error.reason().to_owned(),
        }
    });
    (lines.collect(), ignored)
}

fn of_fixture(name: &str) -> Vec<Value> {
    let answer: Value = serde_json::from_str(&fixture(name)).expect("JSON");
    answer["events"].as_array().expect("a list").clone()
}

#[test]
fn all_types_in_both_dialects() {
    let (lines, ignored) = decoded_lines(&of_fixture("feed-all-types.json"), &scope());
    assert_eq!(
        lines,
        [
            "create documents/report.pdf @2024-01-15T10:30:15.123Z",
            "create data/export.csv {rw-r-----} @2024-01-15T10:31:15.123Z",
            "change_permission scripts/backup.sh {rwxr-xr-x} @2024-01-15T10:32:15Z",
            "change_permission config/settings.json {0640} @2024-01-15T10:33:15.123456Z",
            "rename images/photo1.jpg -> images/photo1_renamed.jpg @2024-01-15T10:34:15Z",
            "move uploads/document.docx -> archive/document.docx @2024-01-15T10:35:15Z",
            "delete temp/cache.tmp @2024-01-15T10:36:15Z",
        ]
    );
    assert_eq!(ignored, IgnoredEvents::default());
}

#[test]
fn an_undecodable_event_affects_no_other() {
    let (lines, ignored) = decoded_lines(&of_fixture("feed-trouble.json"), &scope());
    assert_eq!(
        lines,
        [
            "create x.txt @2024-01-15T10:00:00Z",
            "delete x.txt @2024-01-15T10:00:01Z",
            "create x.txt @2024-01-15T10:00:02Z",
            "rename a.txt -> b.txt @2024-01-15T10:00:03Z",
            "rename b.txt -> c.txt @2024-01-15T10:00:03Z",
            "rename c.txt -> a.txt @2024-01-15T10:00:03Z",
            "rename onto-1.txt -> onto-2.txt @2024-01-15T10:00:04Z",
            "-",
            "rename unknown.txt -> unknown2.txt @2024-01-15T10:00:06Z",
            "no_new_path",
            "unknown_type",
            "empty_path",
            "create /double/slash.txt",
            "change_permission NA {0755} @2024-01-15T10:00:10Z",
        ]
    );
    assert_eq!(ignored, IgnoredEvents { onto_itself: 1, unreadable_times: 1, ..IgnoredEvents::default() });
}

#[test]
fn json_that_is_no_event_is_undecodable() {
    for (event, reason) in [
        (json!(null), "unknown_shape"),
        (json!([]), "unknown_shape"),
        (json!({}), "unknown_type"),
        (json!({ "event_type": 7, "file_path": "a" }), "unknown_type"),
        (json!({ "event_type": "create" }), "empty_path"),
        (json!({ "event_type": "create", "file_path": "/" }), "empty_path"),
        (json!({ "event_type": "create", "file_path": 7 }), "empty_path"),
        (json!({ "event_type": "move", "file_path": "a", "new_path": "/" }), "no_new_path"),
        (json!({ "event_type": "rename", "file_path": "a", "new_path": 7 }), "no_new_path"),
    ] {
        assert_eq!(decoded_lines(std::slice::from_ref(&event), &scope()).0, [reason], "{event}");
    }
    for (text, reason) in [
        (&b"{\"event_type\":NaN}"[..], "bad_json"),
        (b"{\"event_type\":\"\\ud800\"}", "bad_json"),
        (b"{\"event_type\":\"create\",\"file_path\":\"/a\",\"metadata\":{\"owner\":\"J\xf6rg\"}}", "not_utf8"),
        (b"{\"event_type\":\"create\",\"file_path\":\"/a\",\"metadata\":{\"owner\":\"a\tb\"}}", "bad_json"),
    ] {
        let decoded = feed_event(text, &scope());
        assert_eq!(decoded.outcome.map_err(|error| error.reason()), Err(reason));
        assert_ne!(decoded.hash, feed_event(b"other", &scope()).hash, "it still has an identity");
    }
}

/// V2: a field that no decision needs (a lone surrogate, or brackets nested deeper than a parser's stack allows) made the whole
/// event undecodable.
#[test]
fn an_event_is_used_if_only_a_field_that_is_not_needed_cannot_be_decoded() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for value in ["\"\\ud800\"", "{\"owner\":\"\\ud800\",\"permissions\":\"0644\"}", "1e999", &deep] {
        let text = format!("{{\"event_type\":\"create\",\"file_path\":\"/a\",\"metadata\":{value}}}");
        let decoded = feed_event(text.as_bytes(), &scope());
        let event = decoded.outcome.unwrap_or_else(|error| panic!("{value}: {error}")).expect("in scope");
        assert_eq!((event.path.as_str(), event.permissions.owner), ("a", None));
        assert_ne!(decoded.hash, feed_event(b"other", &scope()).hash, "it still has an identity");
    }
}

#[test]
fn permissions_are_found_under_every_name_and_only_as_text() {
    for (metadata, expected) in [
        (json!({ "permission": "a", "owner": "o", "group": "g" }), (Some("a"), Some("o"), Some("g"))),
        (json!({ "perms": "b" }), (Some("b"), None, None)),
        (json!({ "access": "c", "owner": "" }), (Some("c"), None, None)),
        (json!({ "permissions": "old", "new_permissions": "new" }), (Some("new"), None, None)),
        (json!({ "permissions": 755, "perms": "rwx", "owner": {} }), (Some("rwx"), None, None)),
        (json!("text"), (None, None, None)),
        (json!(null), (None, None, None)),
    ] {
        let event = json!({ "event_type": "create", "file_path": "/a", "metadata": metadata }).to_string();
        let event = feed_event(event.as_bytes(), &scope()).outcome.expect("sound").expect("in scope");
        let permissions = &event.permissions;
        let found = (permissions.permissions.as_deref(), permissions.owner.as_deref(), permissions.group.as_deref());
        assert_eq!(found, expected, "{metadata}");
    }
}

#[test]
fn a_rename_across_the_prefix_is_a_create_or_a_delete() {
    let rename = |from: &str, to: &str| json!({ "event_type": "rename", "file_path": from, "new_path": to });
    let events = [rename("/in/a", "/in/b"), rename("/in/a", "/out/a"), rename("/out/a", "/in/a"), rename("/out/a", "/out/b")];
    let (lines, ignored) = decoded_lines(&events, &Scope::new("b", "in/"));
    assert_eq!(lines, ["rename in/a -> in/b", "delete in/a", "create in/a", "-"]);
    let example = ignored.outside_example.map(|key| key.to_string());
    assert_eq!((ignored.outside_prefix, example.as_deref()), (1, Some("out/a")));
}

#[test]
fn equal_events_have_equal_hashes() {
    let hash = |text: &str| feed_event(text.as_bytes(), &scope()).hash;
    assert_eq!(hash(r#"{"file_path":"/a","event_type":"create"}"#), hash(r#" {"event_type" : "create","file_path":"\u002fa"}"#));
    assert_ne!(hash(r#"{"file_path":"/a"}"#), hash(r#"{"file_path":"/b"}"#));
}
