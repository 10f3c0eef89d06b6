//! The command line from outside: the real program between two doubles, with its own environment and directory.

pub(crate) mod collector;
mod stage;

mod usage;

mod dead_letters;
mod daemon;
mod daemon_endpoints;
mod daemon_requests;

mod diff;
mod export;
mod initial_sync;
mod mirror;
mod self_test;
mod store_probe;
mod setup;
mod status;
mod why;

mod certificates;
mod credentials;

mod database;
mod identity;
mod pages;
mod report;
mod secrets;
mod streams;
mod telemetry;
mod upgrade;
