//! How many operations go on at a time: a place for each of them, and fewer places for large objects. It knows no operation and no
//! state.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much at a time, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Operations at a time; a quarter of them, at least one, may be large objects.
    pub concurrency: usize,
    /// How long what is in hand may take once the run stops.
    pub grace: Duration,
}

/// The right to use the doors, as one of so many at a time. It is given back when it is dropped.
pub(in crate::apply) struct Permit {
    _of_all: OwnedSemaphorePermit,
    _of_large: Option<OwnedSemaphorePermit>,
}

/// The places that there are. Cheap to clone.
#[derive(Clone)]
pub(in crate::apply) struct Permits {
    /// Operations at a time, over all lanes.
    all: Arc<Semaphore>,
    /// Of these, large objects: the small ones always find a place.
    large: Arc<Semaphore>,
}

impl Permits {
    /// So many operations at a time.
    pub(in crate::apply) fn new(concurrency: usize) -> Self {
        let large = (concurrency / 4).max(1);
        Self { all: Arc::new(Semaphore::new(concurrency)), large: Arc::new(Semaphore::new(large)) }
    }

    /// A place, as soon as one is free.
    pub(in crate::apply) async fn place(&self) -> Permit {
        Permit { _of_all: permit_of(&self.all).await, _of_large: None }
    }

    /// A place for a large object, as soon as one is free.
    pub(in crate::apply) async fn place_for_large(&self) -> Permit {
        let of_large = Some(permit_of(&self.large).await);
        Permit { _of_all: permit_of(&self.all).await, _of_large: of_large }
    }

    /// How many places are free now, and 1 when none is: the caller goes on in any case.
    pub(in crate::apply) fn free(&self) -> usize {
        self.all.available_permits().max(1)
    }
}

async fn permit_of(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    places.clone().acquire_owned().await.expect("invariant: the semaphore is never closed")
}
