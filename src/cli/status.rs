//! `status`: what the state knows, and whether the doors open at this moment. Reads beside a process that writes.

use super::run::fail;
use super::{ExitCode, Output, probe};
use crate::config::Settings;
use crate::record::Escaped;
use crate::state::{Overview, Run, StateError, Waiting};
use serde::Serialize;
use std::fmt;
use std::io::Write;

/// The contract's shape, then ours.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
struct Status {
    /// `healthy`, `degraded` or `error`.
    service_status: &'static str,
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
        Err(error) => return fail(ExitCode::Failed, error),
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
    let doors = probe::all(settings).await;
    problems.extend(doors.iter().filter_map(probe::Probed::problem));
    problems.extend(complaints(&overview));
    let shut = doors.iter().any(|door| door.problem().is_some());
    Ok(Status {
        service_status: if problems.is_empty() {
            "healthy"
        } else if shut {
            "error"
        } else {
            "degraded"
        },
        database_records: overview.applied_rows,
        database_path: settings.database_path.display().to_string(),
        customer_bucket: settings.source.bucket.clone(),
        api_endpoints: Endpoints {
            mock_api: settings.events_url.as_ref().map(ToString::to_string),
            file_manager: settings.file_manager_url.as_ref().map(ToString::to_string),
        },
        problems,
        initial_sync_completed_by_run: overview.initial_completed_by,
        open_intents: overview.open_intents,
        pending: overview.waiting.into_iter().map(PendingLine::from).collect(),
        runs: overview.runs.into_iter().map(RunLine::from).collect(),
    })
}

/// What is not as it should be in the state itself. Skips are told, and are no problem.
fn complaints(overview: &Overview) -> Vec<String> {
    let mut complaints = Vec::new();
    if overview.initial_completed_by.is_none() && !overview.runs.is_empty() {
        complaints.push("the initial sync has not come to its end yet".to_owned());
    }
    if let Some(outcome) = overview.runs.first().and_then(|run| run.outcome.as_deref()).filter(|outcome| *outcome != "done") {
        complaints.push(format!("the last run ended as {outcome}"));
    }
    for (status, what) in [("parked", "operations failed and wait for their next attempt"), ("due", "operations are still to be done")] {
        let paths = overview.paths(status);
        if paths > 0 {
            complaints.push(format!("{paths} {what}"));
        }
    }
    complaints
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

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "status        {}", self.service_status)?;
        for problem in &self.problems {
            writeln!(f, "              - {problem}")?;
        }
        writeln!(f, "bucket        {}", self.customer_bucket.as_deref().unwrap_or("(not set)"))?;
        writeln!(f, "file manager  {}", self.api_endpoints.file_manager.as_deref().unwrap_or("(not set)"))?;
        writeln!(f, "events API    {}", self.api_endpoints.mock_api.as_deref().unwrap_or("(not set)"))?;
        writeln!(f, "database      {}", Escaped(&self.database_path))?;
        writeln!(f, "files         {} confirmed by the file manager", self.database_records)?;
        for line in &self.pending {
            let what = if line.deletion { "absent from the bucket" } else { line.reason.as_deref().unwrap_or("to be sent") };
            write!(f, "{:<13} {} {what}", line.status, line.paths)?;
            if let Some(example) = &line.example {
                write!(f, ", for example {example}")?;
            }
            if let Some(next) = &line.next_attempt {
                write!(f, ", next attempt {next}")?;
            }
            writeln!(f)?;
        }
        for run in &self.runs {
            let outcome = run.outcome.as_deref().unwrap_or("not ended");
            writeln!(f, "run {:<9} {} {outcome}, began {}", run.run, run.kind, run.started_at.as_deref().unwrap_or("?"))?;
        }
        Ok(())
    }
}
