//! What people type: one file for each command, and how results are printed. The flows themselves are the workflows' concern;
//! `app` opens the endpoints and joins the flows to them.

mod args;
mod daemon;
mod dead_letters;
mod diff;
mod export;
mod failure;
mod health;
mod initial_sync;
mod order;
mod output;
mod progress;
mod remote;
mod run;
mod self_test;
mod setup;
mod signals;
mod status;
mod why;

pub use args::{Cli, Command};
pub use output::{Output, OutputFormat};
pub use run::run;
pub use signals::Interruption;
