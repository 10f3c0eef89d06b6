//! The backlog metrics: the work that is not applied yet. A run records them when it ends; the daemon also records them at an interval. The
//! report has the same counts.

use crate::state::{Overview, SinkOverview, SinkState, State};
use crate::telemetry::{self, Backlog};
use jiff::Timestamp;
use std::time::Duration;

/// Records the backlog gauges of each sink: the number of pending paths and the age of the oldest unapplied event.
pub async fn record_backlog(state: &State, sinks: &[SinkState], now: Timestamp) {
    if !telemetry::metrics().are_enabled() {
        return;
    }
    match state.overview().await {
        Ok(overview) => record(sinks, &overview, now).await,
        Err(error) => tracing::warn!(%error, "the backlog metrics cannot be recorded"),
    }
}

/// As [`record_backlog`], for a caller that already has the overview. An error is logged only: metrics must not fail a run.
pub(super) async fn record(sinks: &[SinkState], overview: &Overview, now: Timestamp) {
    telemetry::metrics().dead_letters(overview.dead_letters);
    for sink in sinks {
        let Some(sink_overview) = overview.sinks.iter().find(|overview| overview.name == *sink.name()) else { continue };
        match sink.oldest_unapplied().await {
            Ok(oldest) => telemetry::metrics().backlog(sink.name().as_str(), &backlog(sink_overview, oldest, now)),
            Err(error) => tracing::warn!(sink = %sink.name(), %error, "the backlog metrics cannot be recorded"),
        }
    }
}

/// `oldest` is the time of receipt of the oldest event that is not applied to the sink.
fn backlog(overview: &SinkOverview, oldest: Option<Timestamp>, now: Timestamp) -> Backlog {
    let age = |received: Timestamp| Duration::try_from(now.duration_since(received)).unwrap_or_default();
    Backlog {
        pending: ["due", "parked", "held"].into_iter().map(|status| overview.paths(status)).sum(),
        lag: oldest.map_or(Duration::ZERO, age),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SinkName;
    use crate::state::WaitingPaths;

    /// Held deletes did not count: a thousand deletes that the guard held appeared as no work.
    #[test]
    fn rows_that_wait_for_any_reason_are_pending_and_skipped_ones_are_not() {
        let waiting = [("due", 1), ("parked", 2), ("held", 4), ("skipped", 8)].into_iter().map(|(status, paths)| WaitingPaths {
            status: status.to_owned(),
            deletion: status == "held",
            reason: None,
            paths,
            skipped_before: 0,
            example: None,
            message: None,
            next_attempt: None,
        });
        let overview = SinkOverview {
            name: SinkName::file_manager(),
            applied_rows: 0,
            unconfirmed_rows: 0,
            waiting: waiting.collect(),
            open_intents: 0,
            outside_prefix: 0,
        };
        let at = |second| Timestamp::from_second(second).expect("a time");
        let expected = Backlog { pending: 7, lag: Duration::from_secs(5) };
        assert_eq!(backlog(&overview, Some(at(10)), at(15)), expected);
        let ahead = backlog(&overview, Some(at(20)), at(15));
        assert_eq!((ahead.lag, backlog(&overview, None, at(15)).lag), (Duration::ZERO, Duration::ZERO), "a clock that was set back");
    }
}
