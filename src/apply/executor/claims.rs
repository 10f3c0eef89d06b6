//! Which paths are being worked on: two operations never work on one path at the same time.

use crate::record::ObjectKey;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The paths in hand: as many as the batches that were taken hold.
#[derive(Debug, Default)]
pub(in crate::apply) struct PathClaims {
    paths: Mutex<HashSet<ObjectKey>>,
    released: watch::Sender<()>,
}

impl PathClaims {
    /// Takes a path in hand; `false` = somebody has it.
    pub(in crate::apply) fn claim(&self, path: &ObjectKey) -> bool {
        self.lock().insert(path.clone())
    }

    /// Has done with a path.
    pub(in crate::apply) fn release(&self, path: &ObjectKey) {
        self.lock().remove(path);
        self.released.send_replace(());
    }

    /// Hears of every release from now on, also of one that happens while nobody listens.
    pub(in crate::apply) fn releases(&self) -> watch::Receiver<()> {
        self.released.subscribe()
    }

    /// A set of paths is a set of paths whatever a panicking thread did.
    fn lock(&self) -> MutexGuard<'_, HashSet<ObjectKey>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
