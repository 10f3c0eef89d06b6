//! What the process has observed, by the bucket's answers. Every delete is judged by this.

use std::collections::{BTreeMap, BTreeSet};

/// What the newest observation of a key showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    There,
    /// A page or a GET did not show the key, which is a reason for a HEAD.
    Missed,
    /// A HEAD found nothing; and whether the bucket answered a check after it.
    Absent {
        bucket_there: bool,
    },
}

/// The newest observation of each key.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// With the number of the run that observed it.
    newest: BTreeMap<String, (Shown, u64)>,
    run: u64,
    /// The keys of this run's HEADs and GETs.
    pub(crate) asked: BTreeSet<String>,
    /// The keys of the files that a listing of this run shows.
    listed: BTreeSet<String>,
    /// The keys that this run found gone, whatever it observed there later.
    gone: BTreeSet<String>,
}

impl Evidence {
    /// Begins a run.
    pub(crate) fn next_run(&mut self) {
        self.run += 1;
        self.asked.clear();
        self.listed.clear();
        self.gone.clear();
    }

    /// A page shows a file there.
    pub(crate) fn listed(&mut self, key: &str) {
        self.there(key);
        self.listed.insert(key.to_owned());
    }

    pub(crate) fn there(&mut self, key: &str) {
        self.newest.insert(key.to_owned(), (Shown::There, self.run));
    }

    pub(crate) fn not_listed(&mut self, key: &str) {
        self.missed(key);
        self.listed.remove(key);
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

    /// The process does not know what happened after the backup.
    pub(crate) fn forget(&mut self) {
        self.newest.clear();
        self.gone.clear();
    }

    /// Why a delete of the key may not be sent now. No listing of this run may show the key, and each delete, even a repeated one,
    /// needs an observation of its own run. With several sinks, another one may have observed the key between the HEAD and the
    /// delete.
    pub(crate) fn against_a_delete(&self, key: &str, sinks: usize) -> Option<String> {
        if self.listed.contains(key) {
            return Some(format!("a delete of {key:?}, which the listing of this run shows"));
        }
        match self.newest.get(key) {
            _ if sinks > 1 && self.gone.contains(key) => None,
            Some((Shown::Absent { bucket_there: true }, run)) if *run == self.run => None,
            shown => Some(format!("a delete of {key:?} without evidence: in run {}, the newest observation says {shown:?}", self.run)),
        }
    }
}
