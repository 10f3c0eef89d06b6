//! What the process has observed, as the bucket answered: by this a delete is judged.

use std::collections::{BTreeMap, BTreeSet};

/// What the newest observation of a key showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    There,
    /// A page or a GET did not have it: a reason for a HEAD.
    Missed,
    /// A HEAD found nothing; whether the bucket was asked for after it, and was there.
    Absent {
        bucket_there: bool,
    },
}

/// The newest observation of each key.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// With the run that observed.
    newest: BTreeMap<String, (Shown, u64)>,
    run: u64,
    /// The keys that a HEAD or a GET of this run was about.
    pub(crate) asked: BTreeSet<String>,
    /// Those that this run found gone, whatever it saw there later.
    gone: BTreeSet<String>,
}

impl Evidence {
    /// A run begins.
    pub(crate) fn next_run(&mut self) {
        self.run += 1;
        self.asked.clear();
        self.gone.clear();
    }

    pub(crate) fn there(&mut self, key: &str) {
        self.newest.insert(key.to_owned(), (Shown::There, self.run));
    }

    pub(crate) fn missed(&mut self, key: &str) {
        self.newest.insert(key.to_owned(), (Shown::Missed, self.run));
    }

    pub(crate) fn not_found(&mut self, key: &str) {
        self.newest.insert(key.to_owned(), (Shown::Absent { bucket_there: false }, self.run));
    }

    pub(crate) fn bucket_there(&mut self) {
        for (key, (shown, run)) in self.newest.iter_mut().filter(|(_, (shown, _))| matches!(shown, Shown::Absent { .. })) {
            *shown = Shown::Absent { bucket_there: true };
            if *run == self.run {
                self.gone.insert(key.clone());
            }
        }
    }

    /// A process that does not know what its predecessors did after the backup.
    pub(crate) fn forget(&mut self) {
        self.newest.clear();
        self.gone.clear();
    }

    /// Why a delete of the key may not be sent now: each delete, a repeated one too, needs an observation of its own run. Where there are
    /// several sinks, another one may have observed the key between the HEAD and the delete.
    pub(crate) fn against_a_delete(&self, key: &str, sinks: usize) -> Option<String> {
        match self.newest.get(key) {
            _ if sinks > 1 && self.gone.contains(key) => None,
            Some((Shown::Absent { bucket_there: true }, run)) if *run == self.run => None,
            shown => Some(format!("a delete of {key:?} without evidence: in run {}, the newest observation says {shown:?}", self.run)),
        }
    }
}
