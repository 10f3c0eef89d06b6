//! The claims on paths: two operations never work on one path at the same time.

use crate::record::ObjectKey;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The claimed paths: as many as the batches that were taken hold.
#[derive(Debug, Default)]
pub(in crate::apply) struct PathClaims {
    paths: Mutex<HashSet<ObjectKey>>,
    released: watch::Sender<()>,
}

impl PathClaims {
    /// Claims a path; `false` = another operation has claimed it.
    pub(in crate::apply) fn claim(&self, path: &ObjectKey) -> bool {
        self.lock().insert(path.clone())
    }

    /// Releases a path.
    pub(in crate::apply) fn release(&self, path: &ObjectKey) {
        self.lock().remove(path);
        self.released.send_replace(());
    }

    /// Subscribes to every release from now on, also to one that happens while the receiver is not waiting.
    pub(in crate::apply) fn releases(&self) -> watch::Receiver<()> {
        self.released.subscribe()
    }

    /// A set of paths is a set of paths whatever a panicking thread did.
    fn lock(&self) -> MutexGuard<'_, HashSet<ObjectKey>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
