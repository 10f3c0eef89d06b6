//! The counts of the parts of a run: a batch of the inbox, the feed, and the ignored events. Plain data.

use crate::record::{EventKind, ObjectKey};
use std::collections::{BTreeMap, BTreeSet};

/// The counts of a replayed batch of the inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Consumed events, by kind.
    pub events: BTreeMap<&'static str, u64>,
    /// Rows that stay in the inbox, because the lookup of one of their paths failed.
    pub kept_rows: u64,
    /// The paths that these rows name. Later batches do not consume rows with them.
    pub locked: BTreeSet<ObjectKey>,
    /// Rows that became dead letters, because their lookups failed too often.
    pub dead_lettered: u64,
    /// Paths that are not in the bucket and that no sink has.
    pub not_in_bucket: u64,
    /// One of these keys.
    pub not_in_bucket_example: Option<ObjectKey>,
}

/// Keys that a listing did not show and a lookup found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissedKeys {
    /// The number.
    pub count: u64,
    /// How many of them hold an object that was not written since it was last observed: no race explains them.
    pub unchanged: u64,
    /// One of these keys, an unchanged one if there is any.
    pub example: Option<ObjectKey>,
}

/// The counts of a poll of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// New events that were stored in the inbox.
    pub received: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Events that an earlier response already contained.
    pub duplicates: u64,
    /// The new events that were ignored.
    pub ignored: IgnoredEvents,
    /// True if events may have been missed. The state records the gap until a listing has completed.
    pub gap: bool,
    /// True if the feed was not read to its end: the inbox is full, or the feed has too many pages for one poll.
    pub left_unread: bool,
}

/// The number of ignored events, by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredEvents {
    /// Events with a name that does not concern an object's existence or content.
    pub unknown_names: u64,
    /// Events about keys that do not begin with the prefix.
    pub outside_prefix: u64,
    /// One of these keys.
    pub outside_example: Option<ObjectKey>,
    /// Test messages, which S3 sends when notifications are configured.
    pub test_events: u64,
    /// Renames of a path onto itself.
    pub onto_itself: u64,
    /// Events with an unreadable time. They are not ignored, but treated as events without a time.
    pub unreadable_times: u64,
}

impl Replayed {
    /// Adds another batch's counts, except `locked`.
    pub fn add(&mut self, other: &Self) {
        other.events.iter().for_each(|(kind, count)| *self.events.entry(kind).or_default() += count);
        self.kept_rows += other.kept_rows;
        self.dead_lettered += other.dead_lettered;
        self.not_in_bucket += other.not_in_bucket;
        self.not_in_bucket_example = self.not_in_bucket_example.take().or_else(|| other.not_in_bucket_example.clone());
    }

    /// All consumed events.
    pub fn all_events(&self) -> u64 {
        self.events.values().sum()
    }

    /// The consumed events of one kind.
    pub fn of(&self, kind: EventKind) -> u64 {
        self.events.get(kind.as_str()).copied().unwrap_or_default()
    }
}

impl MissedKeys {
    /// Counts one more key.
    pub fn add(&mut self, key: &ObjectKey, is_unchanged: bool) {
        if self.example.is_none() || (is_unchanged && self.unchanged == 0) {
            self.example = Some(key.clone());
        }
        self.count += 1;
        self.unchanged += u64::from(is_unchanged);
    }
}

impl IgnoredEvents {
    /// The sum of both.
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
