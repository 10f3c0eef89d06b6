//! The counts of the parts of a run: a batch of the inbox, the feed, and the events that needed no action. Plain numbers.

use crate::record::{EventKind, ObjectKey};
use std::collections::{BTreeMap, BTreeSet};

/// The counts of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Events consumed, by kind.
    pub events: BTreeMap<&'static str, u64>,
    /// Rows that stay, because the lookup of one of their paths failed.
    pub stayed: u64,
    /// The paths that those name.
    pub locked: BTreeSet<ObjectKey>,
    /// Rows that failed too often and are dead letters now.
    pub buried: u64,
    /// Touched paths that are not in the bucket, and of which the sink has nothing.
    pub not_in_bucket: u64,
    /// One of these.
    pub not_in_bucket_example: Option<ObjectKey>,
}

/// The counts of a poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Events that are in the inbox now.
    pub received: u64,
    /// Dead letters.
    pub dead: u64,
    /// Events that earlier answers already contained.
    pub duplicates: u64,
    /// The new events that need no action.
    pub passed_over: IgnoredEvents,
    /// True if events may have been missed. The state records it until a listing has repaired it.
    pub gap: bool,
    /// True if the feed was not read to its end: the inbox is full, or the feed has too many pages for one poll.
    pub left_unread: bool,
}

/// The events that need no action, and those that had to be ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredEvents {
    /// Events with a name that says nothing about where an object is.
    pub unknown_names: u64,
    /// Events of keys that do not begin with the prefix.
    pub outside_prefix: u64,
    /// One of these.
    pub outside_example: Option<ObjectKey>,
    /// Messages that only try the way.
    pub test_events: u64,
    /// Renames of a path onto itself.
    pub onto_itself: u64,
    /// Events whose time cannot be read: taken for events without one.
    pub unreadable_times: u64,
}

impl Replayed {
    /// Adds another batch's counts. (Its paths are for the batches after it alone.)
    pub fn add(&mut self, other: &Self) {
        other.events.iter().for_each(|(kind, count)| *self.events.entry(kind).or_default() += count);
        self.stayed += other.stayed;
        self.buried += other.buried;
        self.not_in_bucket += other.not_in_bucket;
        self.not_in_bucket_example = self.not_in_bucket_example.take().or_else(|| other.not_in_bucket_example.clone());
    }

    /// Events consumed.
    pub fn all_events(&self) -> u64 {
        self.events.values().sum()
    }

    /// Events of one kind consumed.
    pub fn of(&self, kind: EventKind) -> u64 {
        self.events.get(kind.as_str()).copied().unwrap_or_default()
    }
}

impl IgnoredEvents {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let Self { unknown_names, outside_prefix, outside_example, test_events, onto_itself, unreadable_times } = other;
        Self {
            unknown_names: self.unknown_names + unknown_names,
            outside_prefix: self.outside_prefix + outside_prefix,
            outside_example: self.outside_example.or(outside_example),
            test_events: self.test_events + test_events,
            onto_itself: self.onto_itself + onto_itself,
            unreadable_times: self.unreadable_times + unreadable_times,
        }
    }
}
