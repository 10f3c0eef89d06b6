//! How far a run has come: a bar with rate and time left on a terminal, a log line now and then elsewhere. On stderr, always.

use crate::daemon::Progress as Counts;
use crate::telemetry;
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use std::fmt;
use std::io::IsTerminal as _;
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

/// Shows a run's counts, of this process or of another one, until it is ended.
pub(super) fn show(counts: impl Fn() -> Counts + Send + 'static, no_color: bool) -> Progress {
    if !std::io::stderr().is_terminal() {
        return Progress { task: tokio::spawn(lines(counts)), bar: None };
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
    Progress { task: tokio::spawn(keep(bar.clone(), counts)), bar: Some(bar) }
}

async fn keep(bar: ProgressBar, counts: impl Fn() -> Counts) {
    let mut interval = tokio::time::interval(BAR_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let counts = counts();
        bar.set_length(counts.to_do.max(counts.done + counts.failed));
        bar.set_position(counts.done + counts.failed);
        let left = if counts.listing_ended { format!("; {} left", HumanDuration(bar.eta())) } else { ", still listing".to_owned() };
        let failed = if counts.failed > 0 { format!(", {} failed", HumanCount(counts.failed)) } else { String::new() };
        bar.set_message(format!("{} sent, {} listed{failed}{left}", HumanBytes(counts.bytes), HumanCount(counts.listed)));
    }
}

async fn lines(counts: impl Fn() -> Counts) {
    let begun = Instant::now();
    let mut interval = tokio::time::interval(LINE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval.tick().await;
    loop {
        interval.tick().await;
        let counts = counts();
        let (per_second, left) = pace(&counts, begun.elapsed());
        tracing::info!(
            listed = counts.listed,
            listing_ended = counts.listing_ended,
            done = counts.done,
            to_do = counts.to_do,
            failed = counts.failed,
            bytes = counts.bytes,
            files_per_second = per_second,
            seconds_left = left,
            "progress"
        );
    }
}

/// Files per second, and the seconds that what is left takes at that pace; `None` while the listing goes on.
fn pace(counts: &Counts, elapsed: Duration) -> (u64, Option<u64>) {
    let seconds = elapsed.as_secs().max(1);
    let per_second = counts.done / seconds;
    let left = counts.to_do.saturating_sub(counts.done + counts.failed);
    (per_second, counts.listing_ended.then(|| left.checked_div(per_second)).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_once_the_listing_has_ended() {
        let mut counts = Counts { done: 100, to_do: 300, ..Counts::default() };
        assert_eq!(pace(&counts, Duration::from_secs(10)), (10, None));
        counts.listing_ended = true;
        assert_eq!(pace(&counts, Duration::from_secs(10)), (10, Some(20)));
        counts.done = 0;
        assert_eq!(pace(&counts, Duration::from_secs(10)), (0, None));
    }
}
