//! Converts the result of a run, or an error, into an exit code and a message.

use super::exit_code::ExitCode;
use crate::state::{RunOutcome, StateError};
use crate::workflow::FinishedRun;
use std::fmt::Display;
use std::path::Path;

/// The exit code and the message of a command that ends without a result.
pub(crate) type Refusal = (ExitCode, String);

/// The exit code of a finished run. `stopped` is the code if the run was stopped.
pub(crate) fn exit_code_of(ended: &FinishedRun, stopped: Option<ExitCode>) -> ExitCode {
    let outcome = match ended.outcome {
        RunOutcome::Stopped => stopped,
        RunOutcome::Failed => Some(ExitCode::Failed),
        RunOutcome::Partial => Some(ExitCode::SomeFailed),
        RunOutcome::Done => None,
    };
    ExitCode::of_several(outcome.into_iter().chain(ended.deletes_held.then_some(ExitCode::DeletesHeld)))
}

/// The exit code and the message for a state that cannot be used.
pub(crate) fn state_refusal(error: StateError, database: &Path) -> (ExitCode, String) {
    let code = match error {
        StateError::Held(_) | StateError::Fenced => ExitCode::Locked,
        StateError::OtherIdentity(_) | StateError::UnknownSink(..) | StateError::TooNew { .. } | StateError::NotAFile { .. } => {
            ExitCode::Usage
        }
        _ => ExitCode::Failed,
    };
    let answer = match error {
        // Process 1 runs in a container that restarts it, so the operator cannot simply repeat the command with a flag.
        StateError::OtherIdentity(_) if std::process::id() == 1 => {
            "; in a container stop the service, then: docker compose run --rm sync-service initial-sync, with the flag, and with the -p and -f \
             of the `docker compose` that started it"
        }
        _ => "",
    };
    (code, format!("{}{answer}", error.at(database)))
}

/// The refusal for an error with exit code 1.
pub(super) fn failed(error: impl Display) -> Refusal {
    (ExitCode::Failed, error.to_string())
}
