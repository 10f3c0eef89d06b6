//! `initial-sync`: what was typed → an order for a run that lists everything, with the operator's word about the state.

use super::run_once;
use crate::app::ExitCode;
use crate::cli::args::InitialSync as Arguments;
use crate::cli::failure::fail;
use crate::cli::{Interruption, Output};
use crate::config::Settings;
use crate::daemon::RunRequest;
use crate::state::{Answer, RunKind};
use std::io::Write;

/// The only sink that `--new-sink` may name so far.
const FILE_MANAGER: &str = "file_manager";

/// Runs the command.
pub(crate) async fn run<W: Write>(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output<W>,
    interruption: &Interruption,
) -> ExitCode {
    if let Some(other) = arguments.new_sink.as_deref().filter(|name| *name != FILE_MANAGER) {
        return fail(ExitCode::Usage, format!("--new-sink {}: there is no such sink; {FILE_MANAGER} is", other.escape_debug()));
    }
    let answer = Answer {
        adopt: arguments.adopt,
        new_source: arguments.new_source,
        new_file_manager: arguments.new_sink.is_some(),
        restored: arguments.restored,
    };
    let order = RunRequest { allow_deletes: arguments.allow_deletes, answer, ..RunRequest::of(RunKind::Initial) };
    run_once::carry_out(("initial-sync", order), settings, output, interruption).await
}
