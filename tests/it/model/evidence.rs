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
pub(crate) struct Evidence(BTreeMap<String, Shown>);

impl Evidence {
    pub(crate) fn there(&mut self, key: &str) {
        self.0.insert(key.to_owned(), Shown::There);
    }

    pub(crate) fn missed(&mut self, key: &str) {
        self.0.insert(key.to_owned(), Shown::Missed);
    }

    pub(crate) fn not_found(&mut self, key: &str) {
        self.0.insert(key.to_owned(), Shown::Absent { bucket_there: false });
    }

    pub(crate) fn bucket_there(&mut self) {
        for shown in self.0.values_mut().filter(|shown| matches!(shown, Shown::Absent { .. })) {
            *shown = Shown::Absent { bucket_there: true };
        }
    }

    /// A process that does not know what its predecessors did after the backup.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }

    /// Why a delete of the key may not be sent now.
    pub(crate) fn against_a_delete(&self, key: &str) -> Option<String> {
        match self.0.get(key) {
            Some(Shown::Absent { bucket_there: true }) => None,
            shown => Some(format!("a delete of {key:?} without evidence: the newest look says {shown:?}")),
        }
    }
}
