//! Starts the daemon's work, and restarts it after every failed run: waits for the required endpoints, then requests a run: the initial
//! sync until one has completed, later a reconcile or an incremental sync. So an operator never has to restart the daemon after an outage.

use super::status::{self, Health};
use super::{ProbeResult, RunRequest, Shared, endpoint_status};
use crate::state::RunKind;
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
    let mut wait = FIRST_WAIT;
    loop {
        if endpoints_reachable(&shared).await && start_run(&shared, &begun).await {
            wait = FIRST_WAIT;
            shared.run_failed.notified().await;
        }
        shared.tasks.next_after(status::ENDPOINTS, wait);
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(MAX_WAIT);
    }
}

async fn endpoints_reachable(shared: &Shared) -> bool {
    shared.tasks.began(status::ENDPOINTS);
    let results = shared.worker.probe_endpoints().await;
    for result in &results {
        endpoint_status::record(&shared.tasks, result);
    }
    let (awaited, others): (Vec<_>, Vec<_>) = results.into_iter().partition(|result| result.awaited);
    let unreachable =
        |results: Vec<ProbeResult>| results.into_iter().filter_map(|result| result.unreachable).collect::<Vec<_>>().join("; ");
    let (required, others) = (unreachable(awaited), unreachable(others));
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

/// Requests a run and waits for it. Returns true if it succeeded. The run loop reports a failure.
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
    let succeeded = handle.ended().await.is_some_and(|run_result| !run_result.failed());
    // A failed incremental sync, for example because of the feed, must not prevent the scheduled reconciles.
    let completed = completed || query_state(shared, shared.worker.initial_completed()).await == Some(true);
    if completed {
        begun.send_replace(true);
    }
    succeeded && completed
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
