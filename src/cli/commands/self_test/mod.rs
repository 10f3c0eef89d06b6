//! `test`: checks every endpoint, executes an incremental sync and a CSV export, and compares the state with the bucket. Prints one line
//! for each check. It changes nothing in the bucket. The incremental sync may change the file manager; it is skipped if no initial sync has
//! completed or an endpoint is unreachable.

mod compared;
mod cycle;

use crate::app::connectivity::{self, CheckResult};
use crate::app::{ExitCode, endpoints};
use crate::cli::failure::fail;
use crate::cli::{Interruption, Output};
use crate::config::Settings;
use crate::record::SinkName;
use crate::state::{self, Overview, SinkOverview, SinkSide, StateError, Views};
use crate::workflow;
use serde::Serialize;
use std::fmt;
use std::io::Write;

/// The results of all checks.
#[derive(Debug, Serialize)]
struct SelfTest {
    /// True if no check failed.
    success: bool,
    checks: Vec<CheckResult>,
}

/// Runs the command. The exit code is 0 if no check failed, else 1.
pub(crate) async fn run<W: Write>(settings: &Settings, output: &mut Output<W>, interruption: &Interruption) -> ExitCode {
    let mut checks = vec![CheckResult::ok("configuration", "every setting that was given is right")];
    checks.push(database(settings).await);
    checks.extend(connectivity::all(settings).await);
    let some_unreachable = checks.iter().any(|check| check.problem().is_some());
    checks.push(if some_unreachable {
        CheckResult::skipped(cycle::ENDPOINT, "not every endpoint is reachable")
    } else {
        cycle::run(settings, interruption).await
    });
    checks.push(export(settings).await);
    checks.push(if some_unreachable {
        CheckResult::skipped(compared::ENDPOINT, "not every endpoint is reachable")
    } else {
        compared::with_bucket(settings).await
    });
    let test = SelfTest { success: checks.iter().all(|check| check.problem().is_none()), checks };
    if let Err(error) = output.print(&test) {
        return fail(ExitCode::Failed, format!("the result cannot be printed: {error}"));
    }
    if test.success { ExitCode::Done } else { ExitCode::Failed }
}

/// The overview of the state; an error if no initial sync has completed.
async fn completed_state(settings: &Settings) -> Result<Overview, String> {
    let path = &settings.database_path;
    if !path.exists() {
        return Err("there is no database yet".to_owned());
    }
    let overview = Views::open(path).overview().await.map_err(|error| error.at(path).to_string())?;
    if overview.initial_completed_by.is_none() {
        return Err("the initial sync has not come to its end yet".to_owned());
    }
    Ok(overview)
}

async fn database(settings: &Settings) -> CheckResult {
    const ENDPOINT: &str = "database";
    let path = &settings.database_path;
    let failed = |error: StateError| {
        let hint = "check DATABASE_PATH, the space there, and that this user may write there";
        CheckResult::failed(ENDPOINT, error.at(path).to_string(), hint)
    };
    if let Err(error) = state::can_be_written(path).await {
        return failed(error);
    }
    if !path.exists() {
        return CheckResult::skipped(ENDPOINT, format!("there is none at {} yet: initial-sync makes it", path.display()));
    }
    if let Some(refusal) = endpoints::identity_conflict(settings).await {
        return CheckResult::failed(ENDPOINT, refusal, "give initial-sync one of these flags, or correct the settings");
    }
    match Views::open(path).overview().await {
        Ok(overview) => {
            let open = overview.paths("due") + overview.paths("parked");
            let confirmed = overview.main_sink().map_or(0, SinkOverview::confirmed_rows);
            CheckResult::ok(ENDPOINT, format!("{confirmed} files confirmed by the file manager, {open} still to be brought into line"))
        }
        Err(error) => CheckResult::failed(ENDPOINT, error.at(path).to_string(), "DATABASE_PATH names a file that cannot be used as it is"),
    }
}

async fn export(settings: &Settings) -> CheckResult {
    const ENDPOINT: &str = "CSV export";
    if Views::open(&settings.database_path).check().is_err() {
        return CheckResult::skipped(ENDPOINT, "there is no database that could be exported");
    }
    let (path, sink) = (settings.database_path.clone(), SinkName::file_manager());
    let exported =
        tokio::task::spawn_blocking(move || workflow::export(&Views::open(&path), (&sink, SinkSide::Known), std::io::sink(), "export"))
            .await;
    match exported {
        Ok(Ok(rows)) => CheckResult::ok(ENDPOINT, format!("{rows} {}", if rows == 1 { "row" } else { "rows" })),
        Ok(Err(error)) => CheckResult::failed(ENDPOINT, error.to_string(), "the state cannot be exported as CSV: see the message"),
        Err(error) => CheckResult::failed(ENDPOINT, error.to_string(), "this is a bug"),
    }
}

impl fmt::Display for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{:<8} {:<14} {}", check.result, check.endpoint, check.message)?;
            if let Some(hint) = &check.hint {
                writeln!(f, "{:<8} {:<14} -> {hint}", "", "")?;
            }
        }
        f.write_str(if self.success {
            "nothing failed: every required endpoint is reachable, a sync can run"
        } else {
            "something failed: follow the hints (->), then run this again"
        })
    }
}
