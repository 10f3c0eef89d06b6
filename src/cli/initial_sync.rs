//! `initial-sync`: opens the doors and the state, runs the workflow, tells how it ended.

use super::args::InitialSync as Arguments;
use super::run::{fail, of_state};
use super::{ExitCode, Interruption, Output, doors, progress};
use crate::apply::{ApplyError, Tally};
use crate::clock::SystemClock;
use crate::config::{Settings, SnapshotRows};
use crate::plan::Limits;
use crate::state::{Answer, InstanceLock, RunKind, RunOutcome, State, StateError};
use crate::workflow::{Doors, Ended, Flow, Options};
use std::io::Write;
use std::sync::Arc;

/// The only sink that `--new-sink` may name so far.
const FILE_MANAGER: &str = "file_manager";

/// Runs the command.
pub(super) async fn run<W: Write>(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output<W>,
    interruption: &Interruption,
) -> ExitCode {
    if let Some(other) = arguments.new_sink.as_deref().filter(|name| *name != FILE_MANAGER) {
        return fail(ExitCode::Usage, format!("--new-sink {}: there is no such sink; {FILE_MANAGER} is", other.escape_debug()));
    }
    let ended = match sync(arguments, settings, interruption).await {
        Ok(ended) => ended,
        Err((code, error)) => return fail(code, error),
    };
    if let Err(error) = output.print(&ended.report) {
        return fail(ExitCode::Failed, format!("the result cannot be printed: {error}"));
    }
    code(&ended, interruption)
}

async fn sync(arguments: &Arguments, settings: &Settings, interruption: &Interruption) -> Result<Ended, (ExitCode, String)> {
    let usage = |error: crate::config::ConfigError| (ExitCode::Usage, error.to_string());
    let bucket = settings.require_bucket().map_err(usage)?;
    let file_manager = settings.require_file_manager().map_err(usage)?;
    let state_code = |error: StateError| of_state(error, &settings.database_path);
    let mut lock = InstanceLock::take(&settings.database_path, "initial-sync").map_err(state_code)?;
    let limits = Limits { max_file_bytes: settings.max_file_bytes };
    let state = State::open(&settings.database_path, limits).await.map_err(state_code)?;
    let restored = arguments.restored || state.last_run_number().await.map_err(state_code)? < lock.last_run();
    if restored {
        tracing::warn!("the state is older than its lock file, or said to be restored: every file is confirmed anew");
    }
    let answer =
        Answer { adopt: arguments.adopt, new_source: arguments.new_source, new_file_manager: arguments.new_sink.is_some(), restored };
    state.identify(doors::identity(settings, bucket, file_manager), answer).await.map_err(state_code)?;
    let failed = |error: &dyn std::fmt::Display| (ExitCode::Failed, error.to_string());
    let client = doors::http_client(settings).map_err(|error| failed(&error))?;
    let events = settings.events_url.as_ref().map(|url| doors::events(&client, settings, url)).transpose();
    let events = events.map_err(|error| failed(&error))?.map(Arc::new);
    let doors = Doors {
        bucket: Arc::new(doors::bucket(settings, bucket).await.map_err(|error| failed(&error))?),
        file_manager: Arc::new(doors::file_manager(&client, settings, file_manager).map_err(|error| failed(&error))?),
        feed: events.clone().map(|events| events as _),
        reports: events.map(|events| events as _),
    };
    let tally = Arc::new(Tally::default());
    let sync = Flow {
        doors,
        state,
        options: options(arguments, settings, bucket, limits),
        clock: Arc::new(SystemClock),
        tally: tally.clone(),
        halt: interruption.halt(),
    };
    let progress = progress::show(tally, settings.log.no_color);
    let ended = sync.run(RunKind::Initial, &mut lock).await;
    progress.end();
    ended.map_err(|error| match error {
        ApplyError::State(error) => state_code(error),
        other => (ExitCode::Failed, other.to_string()),
    })
}

fn options(arguments: &Arguments, settings: &Settings, bucket: &str, limits: Limits) -> Options {
    Options {
        bucket: bucket.to_owned(),
        prefix: settings.source.prefix.clone(),
        page_keys: u16::try_from(settings.list_page_keys.get()).unwrap_or(u16::MAX),
        concurrency: settings.concurrency.get(),
        limits,
        retry: doors::retry(settings),
        verify: settings.verify_integrity,
        max_delete: settings.max_delete,
        allow_deletes: arguments.allow_deletes,
        kept_snapshots: settings.csv_retention,
        snapshot_rows: settings.csv_snapshots.unwrap_or(SnapshotRows::Full),
        inbox_max: 100_000,
        grace: settings.shutdown_timeout,
    }
}

fn code(ended: &Ended, interruption: &Interruption) -> ExitCode {
    let mut earned = Vec::new();
    match ended.outcome {
        RunOutcome::Stopped => earned.extend(interruption.code()),
        RunOutcome::Failed => earned.push(ExitCode::Failed),
        RunOutcome::Partial => earned.push(ExitCode::SomeFailed),
        RunOutcome::Done => {}
    }
    if ended.deletes_held {
        earned.push(ExitCode::DeletesHeld);
    }
    ExitCode::of_several(earned)
}
