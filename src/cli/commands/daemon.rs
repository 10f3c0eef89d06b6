//! `daemon`, and `s3-sync` without a command: takes the lock, opens the state, and runs the daemon with its schedules and listeners.

use crate::app::ExitCode;
use crate::app::engine::Engine;
use crate::app::outcome::{Refusal, state_refusal};
use crate::cli::daemon_client::DAEMON;
use crate::cli::failure::fail;
use crate::cli::{Interruption, progress};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::daemon::{ControlSocket, Daemon, Listener, Schedule};
use crate::state::{InstanceLock, OperatorAnswer};
use std::sync::Arc;

/// Runs the command until a signal stops it, which is a success.
pub(crate) async fn run(settings: &Settings, interruption: &Interruption) -> ExitCode {
    match serve(settings, interruption).await {
        Ok(()) => ExitCode::Done,
        Err((code, message)) => fail(code, message),
    }
}

async fn serve(settings: &Settings, interruption: &Interruption) -> Result<(), Refusal> {
    let usage = |error: &dyn std::fmt::Display| (ExitCode::Usage, error.to_string());
    let schedule = &settings.schedule;
    let cycle = schedule.cron.clone().map_or(Schedule::Every(schedule.interval), Schedule::Cron);
    let reconcile = schedule.reconcile.clone().map(Schedule::Cron);
    cycle.ensure_fires("SYNC_CRON").await.map_err(|error| usage(&error))?;
    if let Some(reconcile) = &reconcile {
        reconcile.ensure_fires("RECONCILE_CRON").await.map_err(|error| usage(&error))?;
    }
    let database = &settings.database_path;
    let lock = InstanceLock::take(database, DAEMON).map_err(|error| state_refusal(error, database))?;
    let engine = Engine::open(settings, lock, OperatorAnswer::default(), progress::show_own).await?;
    let listeners = listeners(settings, &engine).await?;
    let socket = ControlSocket::bind(database).map_err(|error| usage(&error))?;
    let daemon = Daemon {
        identity: engine.identity(),
        worker: Arc::new(engine),
        cycle,
        reconcile,
        listeners,
        clock: Arc::new(SystemClock),
        stop_signal: interruption.stop_signal(),
        grace: settings.shutdown_timeout,
    };
    match daemon.run(socket).await {
        None => Ok(()),
        Some(cause) => Err((ExitCode::Locked, format!("{} ({})", cause.message, cause.hint))),
    }
}

/// The listeners, one for each configured queue. (Runs read the feed themselves.)
#[cfg(feature = "sqs")]
async fn listeners(settings: &Settings, engine: &Engine) -> Result<Vec<Box<dyn Listener>>, Refusal> {
    crate::app::queue_listener::listeners(settings, engine).await
}

#[cfg(not(feature = "sqs"))]
#[expect(clippy::unused_async, reason = "with the feature, connecting is waited for")]
async fn listeners(_: &Settings, _: &Engine) -> Result<Vec<Box<dyn Listener>>, Refusal> {
    Ok(Vec::new())
}
