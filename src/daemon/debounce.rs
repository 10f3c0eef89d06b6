//! Turns wake-ups into incremental syncs: listeners wake the daemon for every batch of events, and one run follows a burst.

use super::{RunRejected, RunRequest, RunTrigger, Shared};
use crate::state::RunKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// A run begins after this time without another wake-up, because changes come in bursts.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// The longest wait after the first wake-up of a burst, so that a steady stream of events still gets its runs.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Wakes the daemon. Cheap to clone and to call. No wake-up is lost.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Wakes the daemon after events were stored.
    pub fn call(&self) {
        self.0.notify_one();
    }
}

/// Submits one run request for each burst of wake-ups. Returns when the daemon stops.
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
        // An incremental sync needs a completed initial sync.
        if may_begin.wait_for(|begun| *begun).await.is_err() {
            return;
        }
        match shared.run_queue.submit(RunRequest { trigger: RunTrigger::Event, ..RunRequest::of(RunKind::Incremental) }) {
            Ok(_) => {}
            // The run queue is full: try again, because the stored events still need a run.
            Err(RunRejected::TooMany) => wake.call(),
            Err(RunRejected::Stopping) => return,
        }
    }
}
