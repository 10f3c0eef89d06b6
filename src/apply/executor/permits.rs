//! The permits that limit concurrent operations: one for each, and fewer for large objects. It knows no operation and no
//! state.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The limits of concurrency and of the grace.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Operations at a time; a quarter of them, at least one, may be large objects.
    pub concurrency: usize,
    /// The time that operations in flight have once the run stops.
    pub grace: Duration,
}

/// A permit to call the endpoints, one of a limited number. Dropping it returns it.
pub(in crate::apply) struct Permit {
    _of_all: OwnedSemaphorePermit,
    _of_large: Option<OwnedSemaphorePermit>,
}

/// All permits. Cheap to clone.
#[derive(Clone)]
pub(in crate::apply) struct Permits {
    /// Operations at a time, over all lanes.
    all: Arc<Semaphore>,
    /// The large objects among these. Small objects always get a permit.
    large: Arc<Semaphore>,
}

impl Permits {
    /// So many operations at a time.
    pub(in crate::apply) fn new(concurrency: usize) -> Self {
        let large = (concurrency / 4).max(1);
        Self { all: Arc::new(Semaphore::new(concurrency)), large: Arc::new(Semaphore::new(large)) }
    }

    /// A permit, as soon as one is free.
    pub(in crate::apply) async fn place(&self) -> Permit {
        Permit { _of_all: permit_of(&self.all).await, _of_large: None }
    }

    /// A permit for a large object, as soon as one is free.
    pub(in crate::apply) async fn place_for_large(&self) -> Permit {
        let of_large = Some(permit_of(&self.large).await);
        Permit { _of_all: permit_of(&self.all).await, _of_large: of_large }
    }

    /// The number of free permits, and 1 when none is free: the caller continues in any case.
    pub(in crate::apply) fn free(&self) -> usize {
        self.all.available_permits().max(1)
    }
}

async fn permit_of(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    places.clone().acquire_owned().await.expect("invariant: the semaphore is never closed")
}
