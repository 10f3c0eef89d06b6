//! The reachability of the endpoints, for `status` and `health`. Runs wait for the required endpoints and continue without the others.

use super::Tasks;
use super::status::Health;
use crate::record::SinkName;
use crate::report::Report;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of the endpoint that serves the event feed and receives reports.
pub const EVENTS_API: &str = "events API";

/// What an endpoint is for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointRole {
    /// Runs wait for it.
    Source,
    /// Runs wait until at least one sink is reachable, and continue without the others.
    Sink,
    /// Runs continue without it.
    Optional,
}

/// The result of probing an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// The endpoint's name, unique among the endpoints.
    pub name: String,
    /// What it is for a run.
    pub role: EndpointRole,
    /// Why the endpoint is unreachable, in a sentence; `None` = it is reachable.
    pub unreachable: Option<String>,
}

/// The name of a sink's endpoint. No endpoint of another role has it, whatever the sink is called.
pub fn sink_endpoint(sink: &SinkName) -> String {
    if *sink == SinkName::file_manager() { "file manager".to_owned() } else { format!("sink {sink}") }
}

/// An endpoint, as `status` and `health` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointStatus {
    /// `S3`, `file manager`, `sink <name>`, `events API`, or the name of a listener.
    pub name: String,
    /// True if it was reachable when it was last probed.
    pub open: bool,
    /// Why it is unreachable.
    pub message: Option<String>,
    /// Runs wait for it: it is the source, or no other sink is reachable.
    pub awaited: bool,
    /// The time since which `open` has this value.
    pub since: Timestamp,
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

/// Records the result of a probe, and the health problem of each unreachable endpoint that runs do not wait for. `startup` reports the others
/// together.
pub(super) fn record(tasks: &Tasks, probe: &ProbeResult) {
    tasks.set_endpoint(probe);
    // Whether runs wait for a sink depends on the other sinks.
    for (_, endpoint) in tasks.endpoints().into_iter().filter(|(role, endpoint)| *role == EndpointRole::Sink || endpoint.name == probe.name)
    {
        let problem = endpoint.message.filter(|_| !endpoint.awaited).map(|reason| format!("{reason}: runs go on without it"));
        tasks.set_problem(&endpoint.name, problem.map(|problem| (Health::Degraded, problem)));
    }
}

/// Records the reachability of the events API and of the sinks as seen by a run, so that no probe is needed.
pub(super) fn record_run(tasks: &Tasks, report: &Report) {
    let unreachable = report.trouble.feed.clone();
    // A run with a full inbox did not read the feed.
    let read = report.feed.as_ref().is_some_and(|feed| !feed.left_unread || feed.received + feed.duplicates + feed.dead_letters > 0);
    if read || unreachable.is_some() {
        record(tasks, &ProbeResult { name: EVENTS_API.to_owned(), role: EndpointRole::Optional, unreachable });
    }
    // A sink that was not stopped may have had nothing to do: only a probe shows that it is reachable again.
    let stopped = report.sinks.iter().filter_map(|(name, sink)| Some((name.parse().ok()?, sink.stopped.as_ref()?)));
    for (name, reason) in stopped {
        let name = sink_endpoint(&name);
        let unreachable = Some(format!("{name}: {reason}"));
        record(tasks, &ProbeResult { name, role: EndpointRole::Sink, unreachable });
    }
}
