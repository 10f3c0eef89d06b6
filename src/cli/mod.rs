//! The command line: one file for each command, and how results are printed. The flows themselves are the workflows' concern;
//! `app` opens the endpoints and joins the flows to them.

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
