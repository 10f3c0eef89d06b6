//! How far a run has come: a bar with rate and time left on a terminal, a log line now and then elsewhere. On stderr, always.

use crate::apply::{Tally, Totals};
use crate::telemetry;
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use std::fmt;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// Between two looks at the counts for the bar.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// Between two log lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// What shows the progress while it is kept.
pub(super) struct Progress {
    task: JoinHandle<()>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Ends it; the bar goes, the lines stay.
    pub(super) fn end(self) {
        self.task.abort();
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows a run's counts until it is ended.
pub(super) fn show(tally: Arc<Tally>, no_color: bool) -> Progress {
    if !std::io::stderr().is_terminal() {
        return Progress { task: tokio::spawn(lines(tally)), bar: None };
    }
    let color = if no_color { "" } else { ".green" };
    let template = format!("{{spinner}} {{pos}}/{{len}} files [{{bar:30{color}}}] {{rate}}; {{msg}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // What it writes to is the bar's own text: it cannot fail.
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        let _ = write!(text, "{:.0}/s", state.per_sec());
    };
    let style = style.with_key("rate", rate);
    let bar = telemetry::bars().add(ProgressBar::new(0).with_style(style));
    Progress { task: tokio::spawn(keep(bar.clone(), tally)), bar: Some(bar) }
}

async fn keep(bar: ProgressBar, tally: Arc<Tally>) {
    let mut interval = tokio::time::interval(BAR_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let totals = tally.totals();
        bar.set_length(totals.to_do().max(totals.done() + totals.failed()));
        bar.set_position(totals.done() + totals.failed());
        let left = if totals.listing_ended { format!("; {} left", HumanDuration(bar.eta())) } else { ", still listing".to_owned() };
        let failed = if totals.failed() > 0 { format!(", {} failed", HumanCount(totals.failed())) } else { String::new() };
        bar.set_message(format!("{} sent, {} listed{failed}{left}", HumanBytes(totals.bytes), HumanCount(totals.listed.files)));
    }
}

async fn lines(tally: Arc<Tally>) {
    let begun = Instant::now();
    let mut interval = tokio::time::interval(LINE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval.tick().await;
    loop {
        interval.tick().await;
        let totals = tally.totals();
        let (per_second, left) = pace(&totals, begun.elapsed());
        tracing::info!(
            listed = totals.listed.files,
            listing_ended = totals.listing_ended,
            done = totals.done(),
            to_do = totals.to_do(),
            failed = totals.failed(),
            bytes = totals.bytes,
            files_per_second = per_second,
            seconds_left = left,
            "progress"
        );
    }
}

/// Files per second, and the seconds that what is left takes at that pace; `None` while the listing goes on.
fn pace(totals: &Totals, elapsed: Duration) -> (u64, Option<u64>) {
    let seconds = elapsed.as_secs().max(1);
    let per_second = totals.done() / seconds;
    let left = totals.to_do().saturating_sub(totals.done() + totals.failed());
    (per_second, totals.listing_ended.then(|| left.checked_div(per_second)).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_once_the_listing_has_ended() {
        let mut totals = Totals { created: 100, ..Totals::default() };
        totals.listed.to_do = 300;
        assert_eq!(pace(&totals, Duration::from_secs(10)), (10, None));
        totals.listing_ended = true;
        assert_eq!(pace(&totals, Duration::from_secs(10)), (10, Some(20)));
        totals.created = 0;
        assert_eq!(pace(&totals, Duration::from_secs(10)), (0, None));
    }
}
