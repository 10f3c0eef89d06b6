//! Decides which keys an event concerns, if what its sender wrote can be a key in more than one way. Pure: lookups and the state say what is
//! known of each spelling.

use crate::record::{Event, EventKind, ObjectKey};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The facts about one spelling.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own: of the lookup, of the state")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpellingFacts {
    /// True if the lookup found an object.
    pub is_there: bool,
    /// True if the lookup failed.
    pub failed: bool,
    /// True if an earlier observation showed an object, or a sink has its file.
    pub was_there: bool,
    /// True if anything is known of the key, if only that it was absent or that permissions were reported for it.
    pub is_known: bool,
}

/// The events that an event means, each with one spelling of its keys; `facts` are those of the paths that it may concern. The first one is
/// the event itself. The others are about spellings of which an object is there, or something is known.
///
/// - An object that is said to be there is at the first spelling that has one. A file that is said to be gone was at the first spelling where
///   one was known and is not there any more.
/// - If no lookup and no earlier fact decides, the most likely spelling counts.
/// - Reported permissions belong to the spelling that was chosen.
pub fn events_meant(event: &Event, facts: &BTreeMap<&ObjectKey, SpellingFacts>) -> Vec<Event> {
    let known = facts;
    let facts = |key: &ObjectKey| known.get(key).copied().unwrap_or_default();
    let found = |key: &ObjectKey| {
        let SpellingFacts { is_there, failed, was_there, is_known } = facts(key);
        (is_there, was_there, failed, is_known)
    };
    let new_path = event.new_spellings().enumerate().min_by_key(|(_, key)| Reverse(found(key)));
    let paths = event.spellings().enumerate().filter(|(_, key)| new_path.is_none_or(|(_, new_path)| new_path != *key));
    let path = if event.reports_absence() {
        paths.min_by_key(|(place, key)| {
            let SpellingFacts { is_there, failed, was_there, is_known } = facts(key);
            // A sender writes both paths in the same way.
            let as_the_new_path = new_path.is_some_and(|(new_place, _)| new_place == *place);
            Reverse((was_there && !is_there, was_there, as_the_new_path, failed, is_known))
        })
    } else {
        paths.min_by_key(|(_, key)| Reverse(found(key)))
    };
    let bare = |kind, path: &ObjectKey| Event { time: event.time, ..Event::new(kind, path.clone()) };
    let new_path = new_path.map(|(_, new_path)| new_path);
    let itself = match path {
        Some((_, path)) => Event { new_path: new_path.cloned(), ..bare(event.kind, path) },
        // The only spelling of the path is the new path: nothing was moved.
        None => bare(EventKind::Touch, new_path.unwrap_or(&event.path)),
    };
    let mut meant = vec![Event { permissions: event.permissions.clone(), ..itself }];
    for (key, SpellingFacts { is_there, is_known, .. }) in known {
        if (*is_there || *is_known) && !meant.iter().any(|event| event.paths().any(|path| path == *key)) {
            let is_gone = event.reports_absence() && event.spellings().any(|path| path == *key);
            meant.push(bare(if is_gone { EventKind::Delete } else { EventKind::Touch }, key));
        }
    }
    meant
}

#[cfg(test)]
mod tests;
