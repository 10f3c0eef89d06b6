//! A sync engine for S3 with a memory.
//!
//! One sentence describes every flow:
//!
//! > observe → snapshot → diff → plan → apply → record → report
//!
//! The modules, in reading order. Those of a service need its features: `state` the database and the engine around it, `file-manager`
//! the HTTP client of the file manager, `daemon` settings and schedules, `cli` the program. Without any there is what reads and compares:
//! S3, verified transfers, snapshots and their difference.

pub mod record;

pub mod source;

#[cfg(feature = "state")]
pub mod events;

#[cfg(feature = "state")]
pub mod state;

pub mod snapshot;

pub mod diff;

pub mod plan;

pub mod run;

#[cfg(feature = "state")]
pub mod apply;

pub mod transfer;

#[cfg(feature = "state")]
pub mod report;

#[cfg(feature = "state")]
pub mod workflow;

#[cfg(feature = "daemon")]
pub mod daemon;

#[cfg(feature = "cli")]
pub mod app;

#[cfg(feature = "cli")]
pub mod cli;

#[cfg(feature = "daemon")]
pub mod config;

pub mod s3;

pub mod file_manager;

pub mod telemetry;

pub mod clock;
pub mod endpoint;
pub mod failpoint;
pub mod mutant;
pub mod retry;
