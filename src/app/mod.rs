//! Assembles the program: creates endpoints, state and engine from the settings. The caller parses the command line and shows results.

pub(crate) mod engine;
pub(crate) mod sinks;
pub(crate) mod endpoints;
pub(crate) mod connectivity;
pub(crate) mod outcome;
#[cfg(feature = "sqs")]
pub(crate) mod queue_listener;
pub(crate) mod exit_code;
mod worker;

pub use exit_code::ExitCode;
