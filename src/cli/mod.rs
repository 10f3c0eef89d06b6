//! The command line: arguments, commands, and the output of results. `workflow` implements the flows; `app` connects them to the endpoints.

mod args;
mod commands;
mod daemon_client;
mod dispatch;
mod failure;
mod output;
mod progress;
mod signals;

pub use args::{Cli, Command};
pub use dispatch::run;
pub use output::{Output, OutputFormat};
pub use signals::Interruption;
