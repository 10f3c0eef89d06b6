//! The reachability of the endpoints, for `status` and `health`. Runs wait for the required ones and go on without the others.

use super::status::Health;
use super::{Shared, Tasks};
use crate::report::Report;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The endpoint of the event feed and of reports.
pub const EVENTS_API: &str = "events API";

/// The result of probing an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// The endpoint's name.
    pub name: String,
    /// Why it is unreachable, in a sentence; `None` = reachable.
    pub unreachable: Option<String>,
    /// Runs wait for it.
    pub awaited: bool,
}

/// An endpoint, as `status` and `health` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointStatus {
    /// `S3`, `file manager`, `events API`, or the name of a listener.
    pub name: String,
    /// It was reachable when it was last probed.
    pub open: bool,
    /// Why it is unreachable.
    pub message: Option<String>,
    /// Runs wait for it; they go on without the others.
    pub awaited: bool,
    /// Since when `open` has this value.
    pub since: Timestamp,
}

impl ProbeResult {
    /// The problem of an endpoint that runs go on without; `startup` reports the required ones together.
    fn problem(&self) -> Option<(Health, String)> {
        let why = self.unreachable.as_ref().filter(|_| !self.awaited)?;
        Some((Health::Degraded, format!("{why}: runs go on without it")))
    }
}

impl fmt::Display for EndpointStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, open, message, awaited, since } = self;
        write!(f, "{name}: {} since {since}", if *open { "reachable" } else { "unreachable" })?;
        match message {
            Some(message) if *awaited => write!(f, ", runs wait for it: {message}"),
            Some(message) => write!(f, ", runs go on without it: {message}"),
            None => Ok(()),
        }
    }
}

/// Records the result of a probe.
pub(super) fn record(tasks: &Tasks, tried: &ProbeResult) {
    tasks.set_problem(&tried.name, tried.problem());
    tasks.set_endpoint(tried);
}

/// Records the reachability of the events API from a run that has read the feed, so that it need not be probed again.
pub(super) fn note_feed_result(shared: &Shared, report: &Report) {
    let unreachable = report.errors.iter().find(|line| line.starts_with("feed: ")).cloned();
    // With a full inbox the feed was not read at all.
    let read = report.feed.as_ref().is_some_and(|feed| !feed.left_unread || feed.received + feed.duplicates + feed.dead_letters > 0);
    if read || unreachable.is_some() {
        record(&shared.tasks, &ProbeResult { name: EVENTS_API.to_owned(), unreachable, awaited: false });
    }
}
