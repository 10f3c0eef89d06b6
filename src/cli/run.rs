//! From what was typed to what is done: one arm for each command.

use super::{Cli, Command, ExitCode, Interruption, Output, diff, export, initial_sync, self_test, status};
use crate::config::Settings;
use std::fmt::Display;

/// Runs the command; its result goes to stdout, why it failed to stderr.
pub async fn run(cli: Cli, settings: Settings, interruption: &Interruption) -> ExitCode {
    let mut output = Output::stdout(cli.output_format());
    match cli.command {
        Command::InitialSync(arguments) => initial_sync::run(&arguments, &settings, &mut output, interruption).await,
        Command::Export(arguments) => export::run(arguments, settings.database_path, output).await,
        Command::Diff(arguments) => diff::run(arguments, output).await,
        Command::Status => status::run(&settings, &mut output).await,
        Command::Test => self_test::run(&settings, &mut output).await,
    }
}

/// Tells why a command failed, on stderr, in one line.
pub(super) fn fail(code: ExitCode, error: impl Display) -> ExitCode {
    eprintln!("s3-sync: {error}");
    code
}
