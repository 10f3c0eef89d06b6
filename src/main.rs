//! Parse → run → exit code. What a command does is not decided here.

use s3_sync::{
    cli::{Cli, ExitCode},
    config, telemetry,
};
use std::{ffi::OsString, process};

fn main() -> process::ExitCode {
    run(std::env::args_os()).unwrap_or_else(|code| code).into()
}

fn run(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode, ExitCode> {
    let cli = Cli::from_arguments(arguments)?;
    let settings = config::load(&cli.flags(), cli.command.needs()).map_err(|error| ended(&error, ExitCode::Usage))?;
    telemetry::init(settings.log).map_err(|error| ended(&error, ExitCode::Failed))?;
    for notice in &settings.notices {
        tracing::warn!("{notice}");
    }
    // The place of the dispatch.
    Err(ended(&"this command is not there yet", ExitCode::Failed))
}

/// Tells why the command ends. A stderr that is closed is no reason to panic.
fn ended(reason: &dyn std::fmt::Display, code: ExitCode) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "s3-sync: {reason}");
    code
}
