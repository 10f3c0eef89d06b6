//! The claims on paths: two operations of a sink never work on one path at the same time. They live as long as the process does.

use crate::record::ObjectKey;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The claimed paths: as many as the claimed batches hold.
#[derive(Debug, Default)]
pub(crate) struct PathClaims {
    paths: Mutex<HashSet<ObjectKey>>,
    released: watch::Sender<()>,
}

impl PathClaims {
    /// Claims a path; `false` = another operation has claimed it.
    pub(crate) fn claim(&self, path: &ObjectKey) -> bool {
        self.lock().insert(path.clone())
    }

    /// Releases a path.
    pub(crate) fn release(&self, path: &ObjectKey) {
        self.lock().remove(path);
        self.released.send_replace(());
    }

    /// Subscribes to every release from now on, also to one that happens while the receiver is not waiting.
    pub(crate) fn releases(&self) -> watch::Receiver<()> {
        self.released.subscribe()
    }

    /// A set of paths is a set of paths whatever a panicking thread did.
    fn lock(&self) -> MutexGuard<'_, HashSet<ObjectKey>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
