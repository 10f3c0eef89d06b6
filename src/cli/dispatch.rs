//! Dispatches the parsed command line to the commands.

use super::commands::{daemon, dead_letters, diff, export, health, initial_sync, run_once, self_test, setup, status, why};
use super::{Cli, Command, Interruption, Output};
use crate::app::ExitCode;
use crate::config::Settings;
use crate::daemon::RunRequest;
use crate::state::RunKind;

/// Runs the command. Prints its result to stdout and an error to stderr.
pub async fn run(cli: Cli, settings: Settings, interruption: &Interruption) -> ExitCode {
    // Boxed, because the future is as large as that of the largest command.
    Box::pin(dispatch(cli, settings, interruption)).await
}

async fn dispatch(cli: Cli, settings: Settings, interruption: &Interruption) -> ExitCode {
    let mut output = Output::stdout(cli.output_format());
    let guarded = |kind, allow_deletes| RunRequest { allow_deletes, ..RunRequest::of(kind) };
    match cli.command.unwrap_or(Command::Daemon) {
        Command::InitialSync(arguments) => Box::pin(initial_sync::run(&arguments, &settings, &mut output, interruption)).await,
        Command::IncrementalSync(arguments) => {
            let request = guarded(RunKind::Incremental, arguments.allow_deletes);
            run_once::run_and_print(("incremental-sync", request), &settings, &mut output, interruption).await
        }
        Command::Reconcile(arguments) => {
            let request = guarded(RunKind::Reconcile, arguments.allow_deletes);
            run_once::run_and_print(("reconcile", request), &settings, &mut output, interruption).await
        }
        Command::Daemon => daemon::run(&settings, interruption).await,
        Command::Health => health::run(&settings, &mut output).await,
        Command::Export(arguments) => export::run(arguments, settings.database_path, output).await,
        Command::Diff(arguments) => diff::run(arguments, output).await,
        Command::Setup(arguments) => setup::run(&arguments, &settings, &mut output).await,
        Command::DeadLetters(arguments) => Box::pin(dead_letters::run(arguments.action, &settings, &mut output, interruption)).await,
        Command::Status => status::run(&settings, &mut output).await,
        Command::Test => Box::pin(self_test::run(&settings, &mut output, interruption)).await,
        Command::Why(arguments) => why::run(arguments, &settings, &mut output).await,
    }
}
