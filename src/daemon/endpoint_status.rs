//! The reachability of the endpoints, for `status` and `health`. Runs wait for the required endpoints and continue without the others.

use super::status::Health;
use super::{Shared, Tasks};
use crate::report::Report;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of the endpoint that serves the event feed and receives reports.
pub const EVENTS_API: &str = "events API";

/// The result of probing an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// The endpoint's name.
    pub name: String,
    /// Why the endpoint is unreachable, in a sentence; `None` = it is reachable.
    pub unreachable: Option<String>,
    /// True if runs wait for it.
    pub awaited: bool,
}

/// An endpoint, as `status` and `health` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointStatus {
    /// `S3`, `file manager`, `events API`, or the name of a listener.
    pub name: String,
    /// True if it was reachable when it was last probed.
    pub open: bool,
    /// Why it is unreachable.
    pub message: Option<String>,
    /// Runs wait for it.
    pub awaited: bool,
    /// The time since which `open` has this value.
    pub since: Timestamp,
}

impl ProbeResult {
    /// The health problem of an unreachable endpoint that runs do not wait for. `startup` reports the required endpoints together.
    fn problem(&self) -> Option<(Health, String)> {
        let reason = self.unreachable.as_ref().filter(|_| !self.awaited)?;
        Some((Health::Degraded, format!("{reason}: runs go on without it")))
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
pub(super) fn record(tasks: &Tasks, probe: &ProbeResult) {
    tasks.set_problem(&probe.name, probe.problem());
    tasks.set_endpoint(probe);
}

/// Records the reachability of the events API as seen by a run that read the feed, so that no probe is needed.
pub(super) fn note_feed_result(shared: &Shared, report: &Report) {
    let unreachable = report.errors.iter().find(|line| line.starts_with("feed: ")).cloned();
    // A run with a full inbox did not read the feed.
    let read = report.feed.as_ref().is_some_and(|feed| !feed.left_unread || feed.received + feed.duplicates + feed.dead_letters > 0);
    if read || unreachable.is_some() {
        record(&shared.tasks, &ProbeResult { name: EVENTS_API.to_owned(), unreachable, awaited: false });
    }
}
