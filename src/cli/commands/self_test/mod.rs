//! `test`: checks every endpoint, probes the bucket's store, executes an incremental sync and a CSV export, and compares the state with the
//! bucket. Prints one line for each check. It changes nothing in the bucket. The incremental sync may change the sinks; it is skipped if no
//! initial sync has completed or an endpoint is unreachable.

mod compared;
mod cycle;
mod probe;

use crate::app::connectivity::{self, CheckResult};
use crate::app::{ExitCode, endpoints};
use crate::cli::failure::fail;
use crate::cli::{Interruption, Output};
use crate::config::Settings;
use crate::record::SinkName;
use crate::state::{self, Overview, SinkOverview, SinkSide, StateError, Views};
use crate::workflow;
use probe::Probe;
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;

/// The results of all checks.
#[derive(Debug, Serialize)]
struct SelfTest {
    /// True if no check failed, and the store allows runs.
    success: bool,
    checks: Vec<CheckResult>,
    /// What the bucket's store does; `None` = its check failed.
    probe: Option<Probe>,
}

/// Runs the command. The exit code is 0 if no check failed and the store allows runs, else 1.
pub(crate) async fn run<W: Write>(settings: &Settings, output: &mut Output<W>, interruption: &Interruption) -> ExitCode {
    let mut checks = vec![CheckResult::ok("configuration", "every setting that was given is right")];
    checks.push(database(settings).await);
    checks.extend(connectivity::all(settings).await);
    let probe = probe(settings, &checks).await;
    let not_run = if checks.iter().any(|check| check.problem().is_some()) {
        Some("not every endpoint is reachable")
    } else {
        probe.as_ref().filter(|probe| !probe.allows_runs()).map(|_| "no sync can run with this store")
    };
    checks.push(match not_run {
        Some(why) => CheckResult::skipped(cycle::ENDPOINT, why),
        None => cycle::run(settings, interruption).await,
    });
    checks.push(export(settings).await);
    checks.push(match not_run {
        Some(why) => CheckResult::skipped(compared::ENDPOINT, why),
        None => compared::with_bucket(settings).await,
    });
    let success = checks.iter().all(|check| check.problem().is_none()) && probe.as_ref().is_none_or(Probe::allows_runs);
    let test = SelfTest { success, checks, probe };
    if let Err(error) = output.print(&test) {
        return fail(ExitCode::Failed, format!("the result cannot be printed: {error}"));
    }
    if test.success { ExitCode::Done } else { ExitCode::Failed }
}

/// Probes the bucket's store, if its check succeeded.
async fn probe(settings: &Settings, checks: &[CheckResult]) -> Option<Probe> {
    let answers = checks.iter().any(|check| check.endpoint == connectivity::S3 && check.problem().is_none());
    let bucket = settings.source.bucket.as_deref().filter(|_| answers)?;
    Box::pin(probe::run(settings, bucket)).await.ok()
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
            let sinks = overview.sinks.iter().map(described);
            CheckResult::ok(ENDPOINT, sinks.collect::<Vec<_>>().join("; "))
        }
        Err(error) => CheckResult::failed(ENDPOINT, error.at(path).to_string(), "DATABASE_PATH names a file that cannot be used as it is"),
    }
}

/// What the state knows of a sink. Files that wait or are skipped are no failure of this check; `status` gives their reasons.
fn described(sink: &SinkOverview) -> String {
    let (to_do, skipped) = (sink.paths("due") + sink.paths("parked"), sink.paths("skipped"));
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let pointer = if to_do > 0 || !skipped.is_empty() { " (`s3-sync status` tells what waits, and why)" } else { "" };
    format!("{}: {} files confirmed, {to_do} to do{skipped}{pointer}", sink.name, sink.confirmed_rows())
}

async fn export(settings: &Settings) -> CheckResult {
    const ENDPOINT: &str = "CSV export";
    let path = &settings.database_path;
    if Views::open(path).check().is_err() {
        return CheckResult::skipped(ENDPOINT, "there is no database that could be exported");
    }
    let overview = match Views::open(path).overview().await {
        Ok(overview) => overview,
        Err(error) => return CheckResult::failed(ENDPOINT, error.at(path).to_string(), "the state cannot be read: see the message"),
    };
    let mut exported = Vec::new();
    for SinkOverview { name, .. } in overview.sinks {
        match rows_of(path.clone(), name.clone()).await {
            Ok(rows) => exported.push((name, format!("{rows} {}", if rows == 1 { "row" } else { "rows" }))),
            Err(error) => {
                return CheckResult::failed(ENDPOINT, format!("{name}: {error}"), "the state cannot be exported as CSV: see the message");
            }
        }
    }
    CheckResult::ok(ENDPOINT, named(exported))
}

/// Exports the rows of a sink and discards them.
async fn rows_of(database: PathBuf, sink: SinkName) -> Result<u64, String> {
    let export = move || workflow::export(&Views::open(&database), (&sink, SinkSide::Known), std::io::sink(), "export");
    match tokio::task::spawn_blocking(export).await {
        Ok(exported) => exported.map_err(|error| error.to_string()),
        Err(error) => Err(format!("this is a bug: {error}")),
    }
}

/// The result for each sink. A single sink is not named.
fn named(results: Vec<(SinkName, String)>) -> String {
    let several = results.len() > 1;
    let named = results.into_iter().map(|(sink, result)| if several { format!("{sink}: {result}") } else { result });
    named.collect::<Vec<_>>().join("; ")
}

impl fmt::Display for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{:<8} {:<14} {}", check.result, check.endpoint, check.message)?;
            if let Some(hint) = &check.hint {
                writeln!(f, "{:<8} {:<14} -> {hint}", "", "")?;
            }
        }
        if let Some(probe) = &self.probe {
            write!(f, "\n{probe}\n")?;
        }
        f.write_str(if self.success {
            "nothing failed: every required endpoint is reachable, a sync can run"
        } else {
            "something failed: follow the hints (->), then run this again"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_sinks_is_named() {
        let of = |sink: &str, result: &str| (sink.parse().expect("a name"), result.to_owned());
        for (results, expected) in [
            (vec![], ""),
            (vec![of("file_manager", "3 rows")], "3 rows"),
            (vec![of("file_manager", "3 rows"), of("backup", "1 row")], "file_manager: 3 rows; backup: 1 row"),
        ] {
            assert_eq!(named(results), expected);
        }
    }
}
