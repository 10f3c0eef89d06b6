//! Starts the daemon's work, and restarts it after every failed run: waits for the source and at least one sink, then requests a run: the
//! initial sync until one has completed, later a reconcile or an incremental sync. While a sink is unreachable, it is probed, and the others
//! are served; once it is reachable again, a run brings it up to date. So an operator never has to restart the daemon after an outage.

use super::status::{self, Health};
use super::{RunRequest, Shared, endpoint_status};
use crate::state::RunKind;
use futures::FutureExt as _;
use std::time::Duration;
use tokio::sync::watch;

/// The first wait after a failed probe or run. It doubles with each further failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait, so that the daemon notices within a minute that an endpoint is reachable again.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// Never returns. Sends `true` to `begun` when the schedules may begin.
pub(super) async fn run(shared: Shared, begun: watch::Sender<bool>) {
    shared.tasks.add(status::INITIAL, None);
    shared.tasks.add(status::ENDPOINTS, None);
    let (mut wait, mut run_is_due) = (FIRST_WAIT, true);
    loop {
        let unreachable_before = shared.tasks.unreachable_sinks();
        if runs_can_begin(&shared).await {
            let some_sink_is_back = !unreachable_before.is_subset(&shared.tasks.unreachable_sinks());
            if run_is_due || some_sink_is_back {
                run_is_due = !start_run(&shared, &begun).await;
                // This run's own failures are known.
                let _ = (shared.run_failed.notified().now_or_never(), shared.sink_stopped.notified().now_or_never());
            }
            if !run_is_due && shared.tasks.unreachable_sinks().is_empty() {
                wait = FIRST_WAIT;
                tokio::select! {
                    () = shared.run_failed.notified() => run_is_due = true,
                    () = shared.sink_stopped.notified() => {}
                }
            }
        }
        shared.tasks.next_after(status::ENDPOINTS, wait);
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(MAX_WAIT),
            // A further failure, while a sink is probed.
            () = shared.run_failed.notified(), if !run_is_due => (wait, run_is_due) = (FIRST_WAIT, true),
        }
    }
}

/// Probes all endpoints. Returns true if the source and at least one sink are reachable.
async fn runs_can_begin(shared: &Shared) -> bool {
    shared.tasks.began(status::ENDPOINTS);
    for result in shared.worker.probe_endpoints().await {
        endpoint_status::record(&shared.tasks, &result);
    }
    let unreachable = |awaited: bool| {
        let endpoints = shared.tasks.endpoints().into_iter().filter(|(_, endpoint)| endpoint.awaited == awaited);
        endpoints.filter_map(|(_, endpoint)| endpoint.message).collect::<Vec<_>>().join("; ")
    };
    let (required, others) = (unreachable(true), unreachable(false));
    if !others.is_empty() {
        tracing::warn!("runs go on without unreachable endpoints: {others}");
    }
    let result = match (required.as_str(), others.as_str()) {
        ("", "") => "reachable".to_owned(),
        ("", others) => format!("reachable, except endpoints that runs go on without: {others}"),
        (required, _) => format!("unreachable: {required}"),
    };
    shared.tasks.ended(status::ENDPOINTS, result);
    shared.tasks.next(status::ENDPOINTS, None);
    if required.is_empty() {
        shared.tasks.set_problem(status::ENDPOINTS, None);
        return true;
    }
    tracing::warn!("waiting for unreachable endpoints: {required}");
    shared.tasks.set_problem(status::ENDPOINTS, Some((Health::Error, format!("waiting for unreachable endpoints: {required}"))));
    false
}

/// Requests a run and waits for it. Returns true if nothing failed but sinks while others were served. The run loop reports a failure.
async fn start_run(shared: &Shared, begun: &watch::Sender<bool>) -> bool {
    let (Some(completed), Some(listing_is_due)) =
        (query_state(shared, shared.worker.initial_completed()).await, query_state(shared, shared.worker.listing_is_due()).await)
    else {
        return false;
    };
    let kind = match (completed, listing_is_due) {
        (false, _) => RunKind::Initial,
        (true, true) => RunKind::Reconcile,
        (true, false) => RunKind::Incremental,
    };
    let Ok(handle) = shared.run_queue.submit(RunRequest::of(kind)) else { return false };
    let Some(run_result) = handle.ended().await else { return false };
    // A failed incremental sync, for example because of the feed, must not prevent the scheduled reconciles. Neither may a sink that stopped
    // in an initial sync keep the others waiting: the listing is complete.
    let may_begin =
        completed || run_result.failed_in_sinks_only() || query_state(shared, shared.worker.initial_completed()).await == Some(true);
    if may_begin {
        begun.send_replace(true);
    }
    may_begin && (!run_result.failed() || run_result.failed_in_sinks_only())
}

/// Awaits a query of the state; `None` = it failed, and the error is logged and shown.
async fn query_state(shared: &Shared, query: impl Future<Output = Result<bool, String>>) -> Option<bool> {
    match query.await {
        Ok(answer) => Some(answer),
        Err(message) => {
            tracing::error!("{message}");
            shared.tasks.set_problem(status::ENDPOINTS, Some((Health::Error, message)));
            None
        }
    }
}
