//! Displays the progress of a run on stderr: on a terminal as a bar with rate and remaining time, elsewhere as log lines.

use crate::apply::RunCounters;
use crate::config::Settings;
use crate::daemon::RunProgress as Counts;
use crate::telemetry;
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use std::fmt;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// The interval at which the bar is updated.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// The interval between two log lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// A progress display.
pub(super) struct ProgressDisplay {
    task: JoinHandle<()>,
    bar: Option<ProgressBar>,
}

impl ProgressDisplay {
    /// Ends the display and removes the bar.
    pub(super) fn end(self) {
        self.task.abort();
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Displays the progress of a run of this process. The returned function ends the display.
pub(super) fn show_own(settings: &Settings, counters: Arc<RunCounters>) -> Box<dyn FnOnce() + Send> {
    let progress = show(move || Counts::of(&counters.totals()), settings.log.no_color);
    Box::new(move || progress.end())
}

/// Displays the progress of a run of this process or of the daemon. `counts` returns the current values.
pub(super) fn show(counts: impl Fn() -> Counts + Send + 'static, no_color: bool) -> ProgressDisplay {
    if !std::io::stderr().is_terminal() {
        return ProgressDisplay { task: tokio::spawn(log_lines(counts)), bar: None };
    }
    let bar = telemetry::bars().add(ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}")));
    let color = if no_color { "" } else { ".green" };
    let working = style(&format!("{{spinner}} {{pos}}/{{len}} files [{{bar:16{color}}}] {{rate}}; {{wide_msg}}"));
    ProgressDisplay { task: tokio::spawn(update_bar(bar.clone(), working, counts)), bar: Some(bar) }
}

fn style(template: &str) -> ProgressStyle {
    // Writing to the bar's text cannot fail.
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        let _ = write!(text, "{:.0}/s", state.per_sec());
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate)
}

/// Updates the bar. Before any operation is known only a spinner is shown, because the bar would be full.
async fn update_bar(bar: ProgressBar, working: ProgressStyle, counts: impl Fn() -> Counts) {
    let mut working = Some(working);
    let mut interval = tokio::time::interval(BAR_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let counts = counts();
        let ended = counts.done + counts.failed;
        if counts.to_do.max(ended) > 0 {
            working.take().into_iter().for_each(|style| bar.set_style(style));
            bar.set_length(counts.to_do.max(ended));
            bar.set_position(ended);
        }
        bar.set_message(message_beside_bar(&counts, bar.eta()));
    }
}

/// The text beside the bar, the most important part first, because a narrow terminal cuts off the end.
fn message_beside_bar(counts: &Counts, eta: Duration) -> String {
    let left = match (counts.listing_ended, counts.to_do > counts.done + counts.failed) {
        (false, _) => Some("still listing".to_owned()),
        // No operation has ended yet, so there is no rate.
        (true, true) if eta.is_zero() => None,
        (true, true) => Some(format!("{} left", HumanDuration(eta.max(Duration::from_secs(1))))),
        (true, false) => None,
    };
    let failed = (counts.failed > 0).then(|| format!("{} failed", HumanCount(counts.failed)));
    let parts = [left, failed, Some(format!("{} sent", HumanBytes(counts.bytes))), Some(format!("{} listed", HumanCount(counts.listed)))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

async fn log_lines(counts: impl Fn() -> Counts) {
    let begun = Instant::now();
    let mut interval = tokio::time::interval(LINE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval.tick().await;
    loop {
        interval.tick().await;
        let counts = counts();
        let (per_second, left) = rate_and_time_left(&counts, begun.elapsed());
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

/// Operations per second, and the seconds for the remaining operations at that rate; `None` = the listing continues, or the rate is 0.
fn rate_and_time_left(counts: &Counts, elapsed: Duration) -> (u64, Option<u64>) {
    let seconds = elapsed.as_secs().max(1);
    let per_second = counts.done / seconds;
    let left = counts.to_do.saturating_sub(counts.done + counts.failed);
    (per_second, counts.listing_ended.then(|| left.checked_div(per_second)).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_no_remaining_time_while_it_is_unknown() {
        let counts = |listing_ended, done, to_do| Counts { listing_ended, to_do, done, ..Counts::default() };
        let seconds = Duration::from_secs;
        for (counts, eta, expected) in [
            (counts(false, 0, 0), seconds(0), "still listing, 0 B sent, 0 listed"),
            (counts(true, 0, 9), seconds(0), "0 B sent, 0 listed"),
            (counts(true, 1, 9), Duration::from_millis(200), "1 second left, 0 B sent, 0 listed"),
            (counts(true, 1, 9), seconds(40), "40 seconds left, 0 B sent, 0 listed"),
            (counts(true, 9, 9), seconds(0), "0 B sent, 0 listed"),
        ] {
            assert_eq!(message_beside_bar(&counts, eta), expected);
        }
    }

    #[test]
    fn the_bar_shows_the_remaining_time_once_the_listing_has_ended() {
        let mut counts = Counts { done: 100, to_do: 300, ..Counts::default() };
        assert_eq!(rate_and_time_left(&counts, Duration::from_secs(10)), (10, None));
        counts.listing_ended = true;
        assert_eq!(rate_and_time_left(&counts, Duration::from_secs(10)), (10, Some(20)));
        counts.done = 0;
        assert_eq!(rate_and_time_left(&counts, Duration::from_secs(10)), (0, None));
    }
}
