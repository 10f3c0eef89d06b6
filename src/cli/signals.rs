//! SIGTERM and SIGINT: the first asks a command to come to an end, the second ends it at once.

use super::ExitCode;
use crate::apply::Halt;
use std::io;
use std::sync::OnceLock;
use tokio::signal::unix::{SignalKind, signal};

/// What signals do to a command.
#[derive(Debug, Default)]
pub struct Interruption {
    halt: Halt,
    first: OnceLock<ExitCode>,
}

impl Interruption {
    /// What the command is to watch.
    pub fn halt(&self) -> Halt {
        self.halt.clone()
    }

    /// The exit code that the first signal asks for; `None` = there was none.
    pub fn code(&self) -> Option<ExitCode> {
        self.first.get().copied()
    }

    /// Waits for signals, and returns with the second one's exit code.
    pub async fn second_signal(&self) -> io::Result<ExitCode> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        loop {
            let code = tokio::select! {
                _ = terminate.recv() => ExitCode::Terminated,
                _ = interrupt.recv() => ExitCode::Interrupted,
            };
            if self.first.set(code).is_err() {
                return Ok(code);
            }
            self.halt.stop(None);
            tracing::info!("stopping: what is in hand is finished; a second signal stops at once");
        }
    }
}
