//! Turns wake-ups into cycles: a listener calls as often as events arrive, and one cycle follows soon.

use super::{RunRejected, RunRequest, RunTrigger, Shared};
use crate::state::RunKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// A cycle begins after this long without a call: changes come in bursts.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// Longest wait of a call: a steady stream of calls still gets its cycles.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Wakes the daemon. Cheap to clone and to call; no call is lost.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Events have been stored.
    pub fn call(&self) {
        self.0.notify_one();
    }
}

/// Turns calls into run requests, a burst of calls into one.
pub(super) async fn run(shared: Shared, mut may_begin: watch::Receiver<bool>) {
    let wake = shared.wake.clone();
    loop {
        wake.0.notified().await;
        let latest = Instant::now() + MAX_WAIT;
        loop {
            let quiet = (Instant::now() + DEBOUNCE).min(latest);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(quiet) => break,
                () = wake.0.notified() => {}
            }
        }
        // Before the initial sync a cycle has nothing to apply events to.
        if may_begin.wait_for(|begun| *begun).await.is_err() {
            return;
        }
        match shared.run_queue.submit(RunRequest { trigger: RunTrigger::Event, ..RunRequest::of(RunKind::Incremental) }) {
            Ok(_) => {}
            // The run queue is full: the stored events still need a cycle.
            Err(RunRejected::TooMany) => wake.call(),
            Err(RunRejected::Stopping) => return,
        }
    }
}
