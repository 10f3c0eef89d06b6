//! The assembly of the program: from settings to endpoints, state and the engine that a command or the daemon runs. How results
//! are shown is the caller's concern, and so is the command line.

pub(crate) mod engine;
pub(crate) mod endpoints;
pub(crate) mod connectivity;
pub(crate) mod outcome;
#[cfg(feature = "sqs")]
pub(crate) mod queue_listener;
pub(crate) mod exit_code;
mod worker;

pub use exit_code::ExitCode;
