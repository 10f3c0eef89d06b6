//! Executes an incremental sync, by the running daemon or in this process. It is reported and recorded as any other run.

use super::super::run_once;
use super::completed_state;
use crate::app::ExitCode;
use crate::app::connectivity::CheckResult;
use crate::cli::Interruption;
use crate::config::Settings;
use crate::daemon::RunRequest;
use crate::report::Report;
use crate::state::RunKind;

pub(super) const ENDPOINT: &str = "cycle";

/// Executes the run.
pub(super) async fn run(settings: &Settings, interruption: &Interruption) -> CheckResult {
    if let Err(why) = completed_state(settings).await {
        return CheckResult::skipped(ENDPOINT, why);
    }
    match run_once::run(("test", RunRequest::of(RunKind::Incremental)), settings, interruption).await {
        Ok((ExitCode::Done, report)) => CheckResult::ok(ENDPOINT, describe(&report)),
        Ok((_, report)) => CheckResult::failed(ENDPOINT, describe(&report), "`s3-sync status` tells what waits, and why"),
        // Another command has locked the state, which is no failure of an endpoint.
        Err((ExitCode::Locked, message)) => CheckResult::skipped(ENDPOINT, message),
        Err((_, message)) => CheckResult::failed(ENDPOINT, message, "see the message; `s3-sync status` tells more"),
    }
}

fn describe(report: &Report) -> String {
    let run = report.run;
    if let Some(first) = report.errors.first() {
        return format!("run {run}: {first}");
    }
    match (&report.report_refused, report.success) {
        (Some(refused), _) => format!("run {run}: its report was not taken: {refused}"),
        (None, false) => format!("run {run} left something undone"),
        (None, true) if report.quiet => format!("run {run}: in sync; nothing was new, and nothing was due"),
        (None, true) => {
            let statistics = &report.statistics;
            format!("run {run}: in sync; events {}, operations {}", statistics.events_processed, statistics.operations_processed)
        }
    }
}
