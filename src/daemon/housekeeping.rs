//! Housekeeping by the clock: what nobody needs any more is thrown away, between runs. What that is, the worker knows.

use super::Shared;
use super::tasks::{self, Health};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Between two rounds.
const INTERVAL: Duration = Duration::from_hours(1);

/// Goes on for ever.
pub(super) async fn keep(shared: Shared, mut may_begin: watch::Receiver<bool>) {
    shared.tasks.add(tasks::HOUSEKEEPING, Some(format!("every {} s", INTERVAL.as_secs())));
    if may_begin.wait_for(|begun| *begun).await.is_err() {
        return;
    }
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        shared.tasks.began(tasks::HOUSEKEEPING);
        let kept = shared.worker.keep_house().await;
        let trouble = kept.as_ref().err().map(|message| (Health::Degraded, format!("{}: {message}", tasks::HOUSEKEEPING)));
        if let Err(message) = &kept {
            tracing::warn!("housekeeping: {message}");
        }
        shared.tasks.trouble(tasks::HOUSEKEEPING, trouble);
        shared.tasks.ended(tasks::HOUSEKEEPING, kept.unwrap_or_else(|message| message));
        shared.tasks.next_after(tasks::HOUSEKEEPING, INTERVAL);
    }
}
