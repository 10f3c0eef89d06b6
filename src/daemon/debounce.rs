//! Being woken: whoever hears that something changed says so, as often as they like, and a cycle follows soon.

use super::{RunRejected, RunRequest, RunTrigger, Shared};
use crate::state::RunKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// So long nobody may have called before the cycle begins: changes come in swarms.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// But no call waits longer: a steady stream of them still gets its cycles.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Wakes the daemon. Cheap to clone; a call costs next to nothing, and none is lost.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// There is something to do.
    pub fn call(&self) {
        self.0.notify_one();
    }
}

/// Turns calls into orders, a swarm of them into one.
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
        // Before the initial sync there is nothing that a cycle could be told about.
        if may_begin.wait_for(|begun| *begun).await.is_err() {
            return;
        }
        match shared.run_queue.submit(RunRequest { trigger: RunTrigger::Event, ..RunRequest::of(RunKind::Incremental) }) {
            Ok(_) => {}
            // The queue is full of other people's orders: what was heard still waits for its cycle.
            Err(RunRejected::TooMany) => wake.call(),
            Err(RunRejected::Stopping) => return,
        }
    }
}
