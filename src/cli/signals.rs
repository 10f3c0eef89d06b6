//! SIGTERM and SIGINT: the first signal stops a command gracefully, the second ends it at once.

use crate::app::ExitCode;
use crate::apply::StopSignal;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals of the process and their effect on the command.
#[derive(Debug, Default)]
pub struct Interruption {
    stop_signal: StopSignal,
    first: OnceLock<ExitCode>,
    registered: Mutex<Option<[Signal; 2]>>,
}

impl Interruption {
    /// Registers for the signals. Process 1 ignores signals without a handler, so it registers before any task waits for them.
    pub fn listening() -> io::Result<Self> {
        Ok(Self { registered: Mutex::new(Some(signals()?)), ..Self::default() })
    }

    /// The stop signal that the command watches.
    pub fn stop_signal(&self) -> StopSignal {
        self.stop_signal.clone()
    }

    /// The exit code of the first signal; `None` = there was none.
    pub fn code(&self) -> Option<ExitCode> {
        self.first.get().copied()
    }

    /// Waits for signals. Sends the stop signal at the first one, and returns the exit code of the second one.
    pub async fn second_signal(&self) -> io::Result<ExitCode> {
        let registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner).take();
        let [mut terminate, mut interrupt] = registered.map_or_else(signals, Ok)?;
        loop {
            let code = tokio::select! {
                _ = terminate.recv() => ExitCode::Terminated,
                _ = interrupt.recv() => ExitCode::Interrupted,
            };
            if self.first.set(code).is_err() {
                return Ok(code);
            }
            self.stop_signal.stop(None);
            tracing::info!("stopping: work in flight is finished; a second signal stops at once");
        }
    }
}

fn signals() -> io::Result<[Signal; 2]> {
    Ok([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?])
}
