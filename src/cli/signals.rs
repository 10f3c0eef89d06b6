//! SIGTERM and SIGINT: the first asks a command to stop in order, the second ends it at once.

use crate::app::ExitCode;
use crate::apply::StopSignal;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The effect of signals on a command.
#[derive(Debug, Default)]
pub struct Interruption {
    halt: StopSignal,
    first: OnceLock<ExitCode>,
    heard: Mutex<Option<[Signal; 2]>>,
}

impl Interruption {
    /// Receives signals from now on, also before any task waits for them: a process with the id 1 would never receive one
    /// that it has not asked for.
    pub fn listening() -> io::Result<Self> {
        Ok(Self { heard: Mutex::new(Some(signals()?)), ..Self::default() })
    }

    /// The stop signal that the command watches.
    pub fn halt(&self) -> StopSignal {
        self.halt.clone()
    }

    /// The exit code that the first signal asks for; `None` = there was none.
    pub fn code(&self) -> Option<ExitCode> {
        self.first.get().copied()
    }

    /// Waits for signals, and returns with the second one's exit code.
    pub async fn second_signal(&self) -> io::Result<ExitCode> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner).take();
        let [mut terminate, mut interrupt] = heard.map_or_else(signals, Ok)?;
        loop {
            let code = tokio::select! {
                _ = terminate.recv() => ExitCode::Terminated,
                _ = interrupt.recv() => ExitCode::Interrupted,
            };
            if self.first.set(code).is_err() {
                return Ok(code);
            }
            self.halt.stop(None);
            tracing::info!("stopping: work in flight is finished; a second signal stops at once");
        }
    }
}

fn signals() -> io::Result<[Signal; 2]> {
    Ok([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?])
}
