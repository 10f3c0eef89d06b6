//! What the looks of the process have shown, as the bucket answered them: by this a delete is judged.

use std::collections::BTreeMap;

/// What the newest look at a key showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    There,
    /// A page or a GET did not have it: a reason to look.
    Missed,
    /// A HEAD found nothing; whether the bucket was asked for after it, and was there.
    Absent {
        bucket_there: bool,
    },
}

/// The newest look at each key.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// With the run that looked.
    newest: BTreeMap<String, (Shown, u64)>,
    run: u64,
}

impl Evidence {
    /// A run begins.
    pub(crate) fn next_run(&mut self) {
        self.run += 1;
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
        for (shown, _) in self.newest.values_mut().filter(|(shown, _)| matches!(shown, Shown::Absent { .. })) {
            *shown = Shown::Absent { bucket_there: true };
        }
    }

    /// A process that does not know what its predecessors did after the backup.
    pub(crate) fn forget(&mut self) {
        self.newest.clear();
    }

    /// Why a delete of the key may not be sent now: each, the one that is sent again too, needs a look of its own run.
    pub(crate) fn against_a_delete(&self, key: &str) -> Option<String> {
        match self.newest.get(key) {
            Some((Shown::Absent { bucket_there: true }, looked)) if *looked == self.run => None,
            shown => Some(format!("a delete of {key:?} without evidence: in run {}, the newest look says {shown:?}", self.run)),
        }
    }
}
