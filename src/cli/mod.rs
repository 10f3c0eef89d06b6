//! What people type: one file for each command, how results are printed, and how a command ends. The flows themselves are
//! the workflows' concern; here the doors are opened and joined to them.

mod args;
mod daemon;
mod dead_letters;
mod diff;
mod doors;
mod engine;
mod exit;
mod export;
mod health;
mod initial_sync;
mod order;
mod outcome;
mod output;
mod probe;
mod progress;
#[cfg(feature = "sqs")]
mod queue;
mod remote;
mod run;
mod self_test;
mod setup;
mod signals;
mod status;
mod why;
mod worker;

pub use args::{Cli, Command};
pub use exit::ExitCode;
pub use output::{Output, OutputFormat};
pub use run::run;
pub use signals::Interruption;
