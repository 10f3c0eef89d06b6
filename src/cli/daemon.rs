//! `daemon`, and `s3-sync` without a command: takes the lock, opens the state, joins doors, schedules and sources to the loop.

use super::engine::{Engine, Refusal};
use super::remote::DAEMON;
use super::run::{fail, of_state};
use super::{ExitCode, Interruption};
use crate::clock::SystemClock;
use crate::config::Settings;
#[cfg(feature = "sqs")]
use crate::daemon::Source;
use crate::daemon::{ControlSocket, Daemon, Schedule};
use crate::state::{Answer, InstanceLock};
use std::sync::Arc;

/// Runs the command: until a signal, which ends it well.
pub(super) async fn run(settings: &Settings, interruption: &Interruption) -> ExitCode {
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
    cycle.comes("SYNC_CRON").await.map_err(|error| usage(&error))?;
    if let Some(reconcile) = &reconcile {
        reconcile.comes("RECONCILE_CRON").await.map_err(|error| usage(&error))?;
    }
    #[cfg(not(feature = "sqs"))]
    if let Some(url) = &settings.queue_url {
        return Err((ExitCode::Usage, format!("EVENTS_SQS_QUEUE_URL is {url}, and this program was built without the feature sqs")));
    }
    let database = &settings.database_path;
    let lock = InstanceLock::take(database, DAEMON).map_err(|error| of_state(error, database))?;
    let engine = Engine::open(settings, lock, Answer::default()).await?;
    let socket = ControlSocket::bind(database).map_err(|error| usage(&error))?;
    let daemon = Daemon {
        identity: engine.identity(),
        cycle,
        reconcile,
        #[cfg(feature = "sqs")]
        sources: sources(settings, &engine),
        #[cfg(not(feature = "sqs"))]
        sources: Vec::new(),
        worker: Arc::new(engine),
        clock: Arc::new(SystemClock),
        halt: interruption.halt(),
        grace: settings.shutdown_timeout,
    };
    daemon.run(socket).await;
    Ok(())
}

/// The tasks that hear of changes and wake the daemon: one for each source that the settings name.
#[cfg(feature = "sqs")]
fn sources(settings: &Settings, engine: &Engine) -> Vec<Box<dyn Source>> {
    let queue = settings.queue_url.iter().map(|url| Box::new(super::queue::Queue::new(settings, url, engine.state())) as _);
    queue.collect()
}
