//! `incremental-sync`: what was typed → an order for one cycle.

use super::args::Guarded;
use super::{ExitCode, Interruption, Output, order};
use crate::config::Settings;
use crate::daemon::Order;
use crate::state::RunKind;
use std::io::Write;

/// Runs the command.
pub(super) async fn run<W: Write>(
    arguments: &Guarded,
    settings: &Settings,
    output: &mut Output<W>,
    interruption: &Interruption,
) -> ExitCode {
    let order = Order { allow_deletes: arguments.allow_deletes, ..Order::plain(RunKind::Incremental) };
    order::carry_out(("incremental-sync", order), settings, output, interruption).await
}
