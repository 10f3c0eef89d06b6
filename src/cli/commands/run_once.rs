//! Executes one run for a command: by the running daemon, or else in this process. The result is the same.

use crate::app::ExitCode;
use crate::app::engine::Engine;
use crate::app::outcome::{Refusal, exit_code_of, state_refusal};
use crate::apply::RunCounters;
use crate::cli::failure::fail;
use crate::cli::{Interruption, Output, daemon_client, progress};
use crate::config::Settings;
use crate::daemon::RunRequest;
use crate::report::Report;
use crate::state::{InstanceLock, OperatorAnswer, StateError};
use std::io::Write;
use std::sync::Arc;

/// Executes a run and prints its report.
pub(crate) async fn run_and_print<W: Write>(
    request: (&str, RunRequest),
    settings: &Settings,
    output: &mut Output<W>,
    interruption: &Interruption,
) -> ExitCode {
    match run(request, settings, interruption).await {
        Ok((code, report)) => match output.print(&*report) {
            Ok(()) => code,
            Err(error) => fail(ExitCode::Failed, format!("the result cannot be printed: {error}")),
        },
        Err((code, message)) => fail(code, message),
    }
}

/// Executes a run. Returns the exit code of the command and the report of the run.
pub(crate) async fn run(
    (command, request): (&str, RunRequest),
    settings: &Settings,
    interruption: &Interruption,
) -> Result<(ExitCode, Box<Report>), Refusal> {
    let refused = |error| state_refusal(error, &settings.database_path);
    let lock = match InstanceLock::take(&settings.database_path, command) {
        Ok(lock) => lock,
        Err(StateError::Held(holder)) => {
            return match daemon_client::daemon_of(&settings.database_path, &holder).await {
                Some(daemon) => daemon_client::run(daemon, request, settings, interruption).await,
                None => Err(refused(StateError::Held(holder))),
            };
        }
        Err(error) => return Err(refused(error)),
    };
    let mut engine = Engine::open(settings, lock, request.answer, progress::show_own).await?;
    engine.drain_queues_per_run().await?;
    // Opening the state has already applied the operator's flags.
    let request = RunRequest { answer: OperatorAnswer::default(), ..request };
    let ended = engine.run_request(request, Arc::new(RunCounters::default()), interruption.stop_signal()).await?;
    Ok((exit_code_of(&ended, interruption.code()), Box::new(ended.report)))
}
