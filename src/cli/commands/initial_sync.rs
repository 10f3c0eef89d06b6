//! `initial-sync`: requests a run that lists everything, with the operator's flags about the identity of the state.

use super::run_once;
use crate::app::{ExitCode, sinks};
use crate::cli::args::InitialSync as Arguments;
use crate::cli::failure::fail;
use crate::cli::{Interruption, Output};
use crate::config::Settings;
use crate::daemon::RunRequest;
use crate::record::SinkName;
use crate::state::{OperatorAnswer, RunKind};
use std::io::Write;

/// Runs the command.
pub(crate) async fn run<W: Write>(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output<W>,
    interruption: &Interruption,
) -> ExitCode {
    let named: Vec<_> = sinks::named(settings).into_iter().map(|sink| sink.name).collect();
    if let Some(other) = arguments.new_sink.iter().find(|name| !named.contains(name)) {
        let named = named.iter().map(SinkName::as_str).collect::<Vec<_>>().join(", ");
        return fail(ExitCode::Usage, format!("--new-sink {other}: the settings name no such sink; they name: {named}"));
    }
    let answer = OperatorAnswer {
        adopt: arguments.adopt,
        new_source: arguments.new_source,
        new_sinks: arguments.new_sink.iter().cloned().collect(),
        drop_sinks: arguments.drop_sink.iter().cloned().collect(),
        restored: arguments.restored,
    };
    let request = RunRequest { allow_deletes: arguments.allow_deletes, answer, ..RunRequest::of(RunKind::Initial) };
    run_once::run_and_print(("initial-sync", request), settings, output, interruption).await
}
