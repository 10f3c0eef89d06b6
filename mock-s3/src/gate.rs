//! A gate at which requests wait until a test opens it, to act between two requests.

use std::sync::Arc;
use tokio::sync::watch;

/// Clones share the gate. Once open it stays open.
#[derive(Clone, Debug)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    arrived: watch::Sender<u64>,
    open: watch::Sender<bool>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self { inner: Arc::new(Inner { arrived: watch::Sender::new(0), open: watch::Sender::new(false) }) }
    }

    /// Waits until this many requests have reached the gate.
    pub async fn arrived(&self, count: u64) {
        at_least(&self.inner.arrived, count).await;
    }

    /// Lets waiting and later requests pass.
    pub fn open(&self) {
        self.inner.open.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        self.inner.arrived.send_modify(|arrived| *arrived += 1);
        let mut open = self.inner.open.subscribe();
        open.wait_for(|open| *open).await.expect("invariant: the gate holds the sender");
    }
}

/// Waits until a growing count has reached `count`.
pub(crate) async fn at_least(counter: &watch::Sender<u64>, count: u64) {
    let mut counter = counter.subscribe();
    counter.wait_for(|reached| *reached >= count).await.expect("invariant: the caller holds the sender");
}
