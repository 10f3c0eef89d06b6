//! How the doors stand, for whoever asks. Those that no run can do without are waited for; runs go on without the others, which is told.

use super::status::Health;
use super::{Shared, Tasks};
use crate::report::Report;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of the door to the feed and to where results are told.
pub const EVENTS_API: &str = "events API";

/// A door that somebody has tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// Which.
    pub name: String,
    /// Why it does not open, in a sentence; `None` = it opens.
    pub unreachable: Option<String>,
    /// Whether runs wait for it.
    pub awaited: bool,
}

/// A door, as `status` and `health` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointStatus {
    /// `S3`, `file manager`, `events API`, or the name of a source.
    pub name: String,
    /// Whether it opened when it was tried last.
    pub open: bool,
    /// Why not.
    pub message: Option<String>,
    /// Whether runs wait for it; without the others they go on.
    pub awaited: bool,
    /// Since when it stands so.
    pub since: Timestamp,
}

impl ProbeResult {
    /// What is wrong with a door that runs go on without; the others are told together, by whoever waits for them.
    fn problem(&self) -> Option<(Health, String)> {
        let why = self.unreachable.as_ref().filter(|_| !self.awaited)?;
        Some((Health::Degraded, format!("{why}: runs go on without it")))
    }
}

impl fmt::Display for EndpointStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, open, message, awaited, since } = self;
        write!(f, "{name}: {} since {since}", if *open { "open" } else { "shut" })?;
        match message {
            Some(message) if *awaited => write!(f, ", and waited for: {message}"),
            Some(message) => write!(f, ", and runs go on without it: {message}"),
            None => Ok(()),
        }
    }
}

/// Tells how a door was found.
pub(super) fn record(tasks: &Tasks, tried: &ProbeResult) {
    tasks.set_problem(&tried.name, tried.problem());
    tasks.set_endpoint(tried);
}

/// A run has read the feed, or has tried to: nobody need try that door again.
pub(super) fn note_feed_result(shared: &Shared, report: &Report) {
    let unreachable = report.errors.iter().find(|line| line.starts_with("feed: ")).cloned();
    // With a full inbox it was not even asked.
    let read = report.feed.as_ref().is_some_and(|feed| !feed.left_unread || feed.received + feed.duplicates + feed.dead_letters > 0);
    if read || unreachable.is_some() {
        record(&shared.tasks, &ProbeResult { name: EVENTS_API.to_owned(), unreachable, awaited: false });
    }
}
