//! How the daemon comes to work, and comes to work again: it waits for the doors, then runs the initial sync until one has come
//! to its end, or a cycle. The same after every run that a shut door ended, so that nobody has to start anything again.

use super::tasks::{self, Health};
use super::{Order, Shared};
use crate::state::RunKind;
use std::time::Duration;
use tokio::sync::watch;

/// The first wait for a door; it doubles with each vain look.
const WAIT_FIRST: Duration = Duration::from_secs(1);
/// No wait is longer: a door that opens is found within a minute.
const WAIT_MOST: Duration = Duration::from_mins(1);

/// Goes on for ever; says in `begun` when the schedules may begin.
pub(super) async fn keep_going(shared: Shared, begun: watch::Sender<bool>) {
    shared.tasks.add(tasks::INITIAL, None);
    shared.tasks.add(tasks::DOORS, None);
    let mut wait = WAIT_FIRST;
    loop {
        if brought_up(&shared).await {
            begun.send_replace(true);
            wait = WAIT_FIRST;
            shared.failed.notified().await;
        }
        shared.tasks.next_after(tasks::DOORS, wait);
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MOST);
    }
}

/// Looks at the doors, and has one run when they are open; whether everything is as the schedules need it.
async fn brought_up(shared: &Shared) -> bool {
    shared.tasks.began(tasks::DOORS);
    let shut = shared.worker.shut_doors().await;
    shared.tasks.ended(tasks::DOORS, if shut.is_empty() { "open".to_owned() } else { format!("shut: {}", shut.join("; ")) });
    shared.tasks.next(tasks::DOORS, None);
    if !shut.is_empty() {
        let words = shut.join("; ");
        tracing::warn!("waiting for doors that are shut: {words}");
        shared.tasks.trouble(tasks::DOORS, Some((Health::Error, format!("waiting for doors that are shut: {words}"))));
        return false;
    }
    shared.tasks.trouble(tasks::DOORS, None);
    let kind = match shared.worker.initial_completed().await {
        Ok(true) => RunKind::Incremental,
        Ok(false) => RunKind::Initial,
        Err(message) => {
            tracing::error!("{message}");
            shared.tasks.trouble(tasks::DOORS, Some((Health::Error, message)));
            return false;
        }
    };
    // The run's own failure is told by the loop; it must not wake us again for what we know.
    let Ok(ticket) = shared.requests.ask(Order::plain(kind)) else { return false };
    let ran = ticket.ended().await;
    let went_well = ran.is_some_and(|ran| !ran.failed());
    went_well && (kind != RunKind::Initial || matches!(shared.worker.initial_completed().await, Ok(true)))
}
