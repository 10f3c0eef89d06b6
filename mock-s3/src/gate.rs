//! A gate that requests wait at until a test opens it: for what must happen between two requests.

use std::sync::Arc;
use tokio::sync::watch;

/// Cloned, it is the same gate. Once open it stays open.
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
    /// A closed one.
    pub fn new() -> Self {
        Self { inner: Arc::new(Inner { arrived: watch::Sender::new(0), open: watch::Sender::new(false) }) }
    }

    /// Until this many requests have come to the gate, in all.
    pub async fn arrived(&self, count: u64) {
        at_least(&self.inner.arrived, count).await;
    }

    /// Lets those pass that wait, and all that come.
    pub fn open(&self) {
        self.inner.open.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        self.inner.arrived.send_modify(|arrived| *arrived += 1);
        let mut open = self.inner.open.subscribe();
        open.wait_for(|open| *open).await.expect("invariant: the gate holds the sender");
    }
}

/// Until a count that is only ever raised has got that far.
pub(crate) async fn at_least(counter: &watch::Sender<u64>, count: u64) {
    let mut counter = counter.subscribe();
    counter.wait_for(|reached| *reached >= count).await.expect("invariant: the caller holds the sender");
}
