//! The permits that limit concurrent operations: one per operation, and a second limit for large objects.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The limits of an executor.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The maximum number of concurrent operations. A quarter of them, but at least one, may be large objects.
    pub concurrency: usize,
    /// The time that operations in flight have to end after the run was stopped.
    pub grace: Duration,
}

/// A permit to call the endpoints. Dropping it frees it for another operation.
pub(in crate::apply) struct Permit {
    _of_all: OwnedSemaphorePermit,
    _of_large: Option<OwnedSemaphorePermit>,
}

/// The permits of one executor. Cheap to clone.
#[derive(Clone)]
pub(in crate::apply) struct Permits {
    /// One permit per operation, over all lanes.
    all: Arc<Semaphore>,
    /// The second permit of a large object. There are fewer of them, so large objects never take all permits.
    large: Arc<Semaphore>,
}

impl Permits {
    /// Permits for `concurrency` operations.
    pub(in crate::apply) fn new(concurrency: usize) -> Self {
        let large = (concurrency / 4).max(1);
        Self { all: Arc::new(Semaphore::new(concurrency)), large: Arc::new(Semaphore::new(large)) }
    }

    /// Waits for a free permit.
    pub(in crate::apply) async fn acquire(&self) -> Permit {
        Permit { _of_all: acquire_from(&self.all).await, _of_large: None }
    }

    /// Waits for a free permit for a large object.
    pub(in crate::apply) async fn acquire_for_large(&self) -> Permit {
        let of_large = Some(acquire_from(&self.large).await);
        Permit { _of_all: acquire_from(&self.all).await, _of_large: of_large }
    }

    /// The number of free permits, but at least 1, so that a caller without a permit still makes progress.
    pub(in crate::apply) fn free(&self) -> usize {
        self.all.available_permits().max(1)
    }
}

async fn acquire_from(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    semaphore.clone().acquire_owned().await.expect("invariant: the semaphore is never closed")
}
