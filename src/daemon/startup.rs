//! How the daemon comes to work, and comes to work again: it waits for the doors, then runs the initial sync until one has come
//! to its end, or a cycle. The same after every run that a shut door ended, so that nobody has to start anything again.

use super::status::{self, Health};
use super::{Order, Shared, Tried, endpoint_status};
use crate::state::RunKind;
use std::time::Duration;
use tokio::sync::watch;

/// The first wait for a door; it doubles with each vain look.
const WAIT_FIRST: Duration = Duration::from_secs(1);
/// No wait is longer: a door that opens is found within a minute.
const WAIT_MOST: Duration = Duration::from_mins(1);

/// Goes on for ever; says in `begun` when the schedules may begin.
pub(super) async fn keep_going(shared: Shared, begun: watch::Sender<bool>) {
    shared.tasks.add(status::INITIAL, None);
    shared.tasks.add(status::DOORS, None);
    let mut wait = WAIT_FIRST;
    loop {
        if doors_open(&shared).await && ran_well(&shared, &begun).await {
            wait = WAIT_FIRST;
            shared.failed.notified().await;
        }
        shared.tasks.next_after(status::DOORS, wait);
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MOST);
    }
}

async fn doors_open(shared: &Shared) -> bool {
    shared.tasks.began(status::DOORS);
    let tried = shared.worker.try_doors().await;
    for door in &tried {
        endpoint_status::tell(&shared.tasks, door);
    }
    let (awaited, others): (Vec<_>, Vec<_>) = tried.into_iter().partition(|door| door.awaited);
    let shut = |doors: Vec<Tried>| doors.into_iter().filter_map(|door| door.shut).collect::<Vec<_>>().join("; ");
    let (words, others) = (shut(awaited), shut(others));
    if !others.is_empty() {
        tracing::warn!("runs go on without doors that are shut: {others}");
    }
    let result = match (words.as_str(), others.as_str()) {
        ("", "") => "open".to_owned(),
        ("", others) => format!("open, but for what runs go on without: {others}"),
        (words, _) => format!("shut: {words}"),
    };
    shared.tasks.ended(status::DOORS, result);
    shared.tasks.next(status::DOORS, None);
    if words.is_empty() {
        shared.tasks.trouble(status::DOORS, None);
        return true;
    }
    tracing::warn!("waiting for doors that are shut: {words}");
    shared.tasks.trouble(status::DOORS, Some((Health::Error, format!("waiting for doors that are shut: {words}"))));
    false
}

/// Has a run, the first of its kind or the next, and says whether it went well. Its failure is told by the loop.
async fn ran_well(shared: &Shared, begun: &watch::Sender<bool>) -> bool {
    let (Some(completed), Some(listing_is_due)) =
        (known(shared, shared.worker.initial_completed()).await, known(shared, shared.worker.listing_is_due()).await)
    else {
        return false;
    };
    let kind = match (completed, listing_is_due) {
        (false, _) => RunKind::Initial,
        (true, true) => RunKind::Reconcile,
        (true, false) => RunKind::Incremental,
    };
    let Ok(ticket) = shared.requests.ask(Order::plain(kind)) else { return false };
    let went_well = ticket.ended().await.is_some_and(|ran| !ran.failed());
    // A cycle that fails, because of the feed for example, must not keep reconciles from coming.
    let completed = completed || known(shared, shared.worker.initial_completed()).await == Some(true);
    if completed {
        begun.send_replace(true);
    }
    went_well && completed
}

/// What the state says of itself; `None` = it does not say.
async fn known(shared: &Shared, asked: impl Future<Output = Result<bool, String>>) -> Option<bool> {
    match asked.await {
        Ok(answer) => Some(answer),
        Err(message) => {
            tracing::error!("{message}");
            shared.tasks.trouble(status::DOORS, Some((Health::Error, message)));
            None
        }
    }
}
