//! The commands: one file or directory for each, with its arguments and its output.

pub(super) mod daemon;
pub(super) mod dead_letters;
pub(super) mod diff;
pub(super) mod export;
pub(super) mod health;
pub(super) mod initial_sync;
pub(super) mod run_once;
pub(super) mod self_test;
pub(super) mod setup;
pub(super) mod status;
pub(super) mod why;
