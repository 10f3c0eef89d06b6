//! Claims on paths: two operations of a sink never work on one path at the same time. Claims exist only in this process, and are an
//! optimisation: opening an intent checks that the path has not changed since the decision, whether the path was claimed or not.

use crate::record::ObjectKey;
use crate::state::tables::sinks::SinkId;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The claimed paths of each sink: all handles on a sink share them.
#[derive(Debug, Default)]
pub(crate) struct SinkClaims(Mutex<BTreeMap<SinkId, Arc<PathClaims>>>);

impl SinkClaims {
    pub(crate) fn of(&self, sink: SinkId) -> Arc<PathClaims> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(sink).or_default().clone()
    }
}

/// The claimed paths of one sink. Their number is bounded by the size of the claimed batches.
#[derive(Debug, Default)]
pub(crate) struct PathClaims {
    paths: Mutex<HashSet<ObjectKey>>,
    released: watch::Sender<()>,
}

impl PathClaims {
    /// Claims a path; `None` = another operation has claimed it.
    pub(crate) fn claim(self: &Arc<Self>, path: &ObjectKey) -> Option<PathClaim> {
        self.lock().insert(path.clone()).then(|| PathClaim { path: path.clone(), claims: self.clone() })
    }

    /// Subscribes to every release from now on, also to one that happens while the receiver is not waiting.
    pub(crate) fn releases(&self) -> watch::Receiver<()> {
        self.released.subscribe()
    }

    /// A panic of another thread cannot leave a set of paths half-changed, so a poisoned lock is used as it is.
    fn lock(&self) -> MutexGuard<'_, HashSet<ObjectKey>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work on a path of one sink. Dropping it releases the path, even if its operation was cut off.
#[derive(Debug)]
#[must_use = "it is released at once"]
pub struct PathClaim {
    path: ObjectKey,
    claims: Arc<PathClaims>,
}

impl PathClaim {
    /// The claimed path.
    pub fn path(&self) -> &ObjectKey {
        &self.path
    }
}

impl Drop for PathClaim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.path);
        self.claims.released.send_replace(());
    }
}
