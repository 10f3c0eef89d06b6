//! `status`: what the state knows, whether the doors open at this moment, and what the daemon does. Reads beside a process that writes.

mod text;

use super::run::{fail, of_state};
use super::{ExitCode, Output, doors, probe, remote};
use crate::config::Settings;
use crate::daemon::{Health, ServiceStatus};
use crate::state::{self, Holder, Overview, Run, StateError, Waiting};
use jiff::Timestamp;
use serde::Serialize;
use std::io::Write;

/// The contract's shape, then ours.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
struct Status {
    /// `healthy`, `degraded` or `error`.
    service_status: Health,
    /// Files that the file manager has confirmed.
    database_records: u64,
    database_path: String,
    customer_bucket: Option<String>,
    api_endpoints: Endpoints,
    /// Ours: why it is not healthy, a sentence each.
    problems: Vec<String>,
    /// Ours: the run that completed the initial sync.
    initial_sync_completed_by_run: Option<u64>,
    /// Ours: what waits, by reason.
    pending: Vec<PendingLine>,
    /// Ours: effects that went out, or were about to, and have no outcome.
    open_intents: u64,
    /// Ours: the last runs, newest first.
    runs: Vec<RunLine>,
    /// Ours: who has the state in hand at this moment.
    in_use_by: Option<Holder>,
    /// Ours: when the daemon's next run begins by itself.
    next_run: Option<Timestamp>,
    /// Ours: the running daemon.
    daemon: Option<ServiceStatus>,
}

#[derive(Debug, Serialize)]
struct Endpoints {
    mock_api: Option<String>,
    file_manager: Option<String>,
}

#[derive(Debug, Serialize)]
struct PendingLine {
    /// `due`, `parked` or `skipped`.
    status: String,
    deletion: bool,
    reason: Option<String>,
    paths: u64,
    /// One of the keys, escaped for display.
    example: Option<String>,
    message: Option<String>,
    next_attempt: Option<String>,
}

#[derive(Debug, Serialize)]
struct RunLine {
    run: u64,
    kind: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    /// `done`, `partial`, `failed`, `stopped`; `null` = running, or killed.
    outcome: Option<String>,
    /// The run's report.
    report: Option<serde_json::Value>,
}

/// Runs the command: 0 when the state can be read, whatever it says.
pub(super) async fn run<W: Write>(settings: &Settings, output: &mut Output<W>) -> ExitCode {
    let status = match status(settings).await {
        Ok(status) => status,
        Err(error) => {
            let (code, message) = of_state(error, &settings.database_path);
            return fail(code, message);
        }
    };
    match output.print(&status) {
        Ok(()) => ExitCode::Done,
        Err(error) => fail(ExitCode::Failed, format!("the result cannot be printed: {error}")),
    }
}

async fn status(settings: &Settings) -> Result<Status, StateError> {
    let mut problems = Vec::new();
    let overview = if settings.database_path.exists() {
        Overview::read(&settings.database_path).await?
    } else {
        problems.push(format!("there is no database at {} yet: run initial-sync", settings.database_path.display()));
        Overview::default()
    };
    let in_use_by = state::holder(&settings.database_path);
    let daemon = match &in_use_by {
        Some(holder) if holder.command == remote::DAEMON => match remote::status(&settings.database_path).await {
            Ok(daemon) => Some(daemon),
            Err(error) => {
                problems.push(format!("{holder} has the state in hand, and its control socket gives no answer: {error}"));
                None
            }
        },
        _ => None,
    };
    let doors = probe::all(settings).await;
    problems.extend(doors.iter().filter_map(probe::Probed::problem));
    problems.extend(doors::state_of_another(settings).await);
    problems.extend(daemon.iter().flat_map(|daemon| daemon.problems.iter().map(|problem| format!("daemon: {problem}"))));
    problems.extend(complaints(&overview, in_use_by.as_ref()));
    let shut = doors.iter().any(|door| door.problem().is_some());
    let own = match (shut, problems.is_empty()) {
        (true, _) => Health::Error,
        (false, false) => Health::Degraded,
        (false, true) => Health::Healthy,
    };
    Ok(Status {
        service_status: daemon.as_ref().map_or(own, |daemon| daemon.health.max(own)),
        database_records: overview.applied_rows,
        database_path: settings.database_path.display().to_string(),
        customer_bucket: settings.source.bucket.clone(),
        api_endpoints: Endpoints {
            mock_api: settings.events_url.as_ref().map(|url| probe::address(url).to_owned()),
            file_manager: settings.file_manager_url.as_ref().map(|url| probe::address(url).to_owned()),
        },
        problems,
        initial_sync_completed_by_run: overview.initial_completed_by,
        open_intents: overview.open_intents,
        pending: overview.waiting.into_iter().map(PendingLine::from).collect(),
        runs: overview.runs.into_iter().map(RunLine::from).collect(),
        next_run: daemon.as_ref().and_then(|daemon| daemon.next_run),
        in_use_by,
        daemon,
    })
}

/// What is not as it should be in the state itself. Skips are told, and are no problem.
fn complaints(overview: &Overview, holder: Option<&Holder>) -> Vec<String> {
    let mut complaints = Vec::new();
    let under_way = overview.runs.first().is_some_and(|run| is_under_way(run, holder));
    if overview.initial_completed_by.is_none() && !overview.runs.is_empty() {
        complaints.push("the initial sync has not come to its end yet".to_owned());
    }
    complaints.extend(overview.runs.first().filter(|_| !under_way).and_then(complaint_about));
    let report = overview.runs.first().and_then(|run| run.summary.as_deref());
    let report: Option<serde_json::Value> = report.and_then(|text| serde_json::from_str(text).ok());
    let held = report.and_then(|report| report.get("deletes_held")?.as_u64()).filter(|held| *held > 0);
    complaints.extend(held.map(|held| format!("deletes that the guard holds: {held} (initial-sync --allow-deletes {held} sends them)")));
    for (status, what) in [("parked", "failed and wait for their next attempt"), ("due", "are still to be done")] {
        let paths = overview.paths(status);
        if paths > 0 && !(under_way && status == "due") {
            complaints.push(format!("operations that {what}: {paths}"));
        }
    }
    complaints
}

/// Whether a run that has not ended is still alive: whoever has the state in hand had it when the run began.
fn is_under_way(run: &Run, holder: Option<&Holder>) -> bool {
    let since = holder.and_then(|holder| holder.since.parse::<Timestamp>().ok());
    run.outcome.is_none() && since.zip(run.started_at).is_some_and(|(since, started_at)| since <= started_at)
}

fn complaint_about(run: &Run) -> Option<String> {
    let number = run.number;
    let refused = || Some(serde_json::from_str::<serde_json::Value>(run.summary.as_deref()?).ok()?["report_refused"].as_str()?.to_owned());
    Some(match run.outcome.as_deref() {
        None => format!("run {number} was killed: the next one goes on where it was"),
        Some("done") => return None,
        Some("partial") => match refused() {
            Some(words) => format!("run {number} could not post its report: {words}"),
            None => format!("run {number} left something undone"),
        },
        Some("stopped") => format!("run {number} was stopped by a signal: the next one goes on where it was"),
        Some(_) => format!("run {number} failed: a door stayed shut"),
    })
}

impl From<Waiting> for PendingLine {
    fn from(waiting: Waiting) -> Self {
        let Waiting { status, deletion, reason, paths, example, message, next_attempt } = waiting;
        Self {
            status,
            deletion,
            reason,
            paths,
            message,
            example: example.map(|key| key.to_string()),
            next_attempt: next_attempt.map(|time| time.to_string()),
        }
    }
}

impl From<Run> for RunLine {
    fn from(run: Run) -> Self {
        let Run { number, kind, started_at, ended_at, outcome, summary } = run;
        Self {
            run: number,
            kind,
            outcome,
            started_at: started_at.map(|time| time.to_string()),
            ended_at: ended_at.map(|time| time.to_string()),
            report: summary.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}
