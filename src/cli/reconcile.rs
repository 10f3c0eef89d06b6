//! `reconcile`: what was typed → an order for a run that lists everything again, to heal what nobody told.

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
    let order = Order { allow_deletes: arguments.allow_deletes, ..Order::plain(RunKind::Reconcile) };
    order::carry_out(("reconcile", order), settings, output, interruption).await
}
