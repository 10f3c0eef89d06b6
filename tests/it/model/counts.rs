//! Counts what occurred: a model that never meets a fault proves nothing about it.

use super::op::{Change, Condition, Fate, ModelEvent, Publication};
use std::collections::BTreeMap;
use std::fmt;

/// Occurrences by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts(BTreeMap<String, u64>);

impl Counts {
    pub(crate) fn add(&mut self, name: impl Into<String>) {
        *self.0.entry(name.into()).or_default() += 1;
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        for (name, count) in &others.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|(name, count)| format!("{name} {count}")).collect();
        words.chunks(6).try_for_each(|line| writeln!(f, "  {}", line.join(" · ")))
    }
}

impl Publication {
    pub(crate) fn name(self) -> &'static str {
        match self.what {
            ModelEvent::Create(_) | ModelEvent::CreateWith(..) if self.notified => "creates notified",
            ModelEvent::Create(_) => "creates reported",
            ModelEvent::CreateWith(..) => "creates reported with permissions",
            ModelEvent::Delete(_) if self.notified => "deletes notified",
            ModelEvent::Delete(_) => "deletes reported",
            ModelEvent::Rename(..) => "renames reported",
            ModelEvent::Permissions(..) | ModelEvent::Owner(..) => "permissions reported",
        }
    }
}

impl Change {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Put(..) => "objects put",
            Self::Delete(_) => "objects deleted",
            Self::Rename(..) => "objects renamed",
            Self::Gone => "bucket gone",
            Self::Back => "bucket back",
            Self::Emptied => "bucket made again, empty",
        }
    }
}

impl Fate {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Turns(Condition::Up) => "sinks that answer again",
            Self::Turns(_) => "sinks that stop answering",
            Self::Copied => "sinks copied",
            Self::SetBack => "sinks set back",
            Self::New => "sinks started over",
        }
    }
}
