//! A command that wants a run: by the daemon, when one runs, else by itself. The answer is the same either way.

use super::engine::{Engine, earned};
use super::run::{fail, of_state};
use super::{ExitCode, Interruption, Output, remote};
use crate::apply::Tally;
use crate::config::Settings;
use crate::daemon::Order;
use crate::state::{Answer, InstanceLock, StateError};
use std::io::Write;
use std::sync::Arc;

/// Has a run, prints its report.
pub(super) async fn carry_out<W: Write>(
    (command, order): (&str, Order),
    settings: &Settings,
    output: &mut Output<W>,
    interruption: &Interruption,
) -> ExitCode {
    let lock = match InstanceLock::take(&settings.database_path, command) {
        Ok(lock) => lock,
        Err(StateError::Held(holder)) => {
            return match remote::daemon_of(&settings.database_path, &holder).await {
                Some(daemon) => remote::carry_out(daemon, order, settings, (output, interruption)).await,
                None => refused(of_state(StateError::Held(holder), &settings.database_path)),
            };
        }
        Err(error) => return refused(of_state(error, &settings.database_path)),
    };
    let engine = match Engine::open(settings, lock, order.answer).await {
        Ok(engine) => engine,
        Err(refusal) => return refused(refusal),
    };
    // What the operator said has been done when the state was opened.
    let order = Order { answer: Answer::default(), ..order };
    let ended = match engine.run_order(order, Arc::new(Tally::default()), interruption.halt()).await {
        Ok(ended) => ended,
        Err(refusal) => return refused(refusal),
    };
    if let Err(error) = output.print(&ended.report) {
        return fail(ExitCode::Failed, format!("the result cannot be printed: {error}"));
    }
    earned(&ended, interruption.code())
}

fn refused((code, message): (ExitCode, String)) -> ExitCode {
    fail(code, message)
}
