//! An S3 sync engine that keeps in a database what it has observed in the bucket and what each sink has confirmed.
//!
//! Every run has the same steps:
//!
//! > observe → plan → apply → record → report
//!
//! Start with [`workflow`], which implements the runs. `docs/architecture.md` describes the rules that always hold. The modules:
//!
//! - [`record`]: the domain types: keys, object metadata, observations, events, permissions.
//! - [`source`]: the trait of a source, the bucket as a source, lookups of single keys.
//! - [`events`]: receives and decodes events from queues and the feed.
//! - [`state`]: the database.
//! - [`snapshot`]: CSV snapshots: what a sink has confirmed, and the same rows overlaid with what the bucket showed.
//! - [`diff`]: the differences of two snapshots, for the command `diff`.
//! - [`plan`]: the decisions, pure: effects, moves, the delete guard, the queue of pending paths.
//! - [`run`]: the data that all parts of a run share: counters, stop signal, outcome.
//! - [`apply`]: the trait of a sink, and the executor that sends the planned effects.
//! - [`transfer`]: verifies length and checksum of a body while it is streamed.
//! - [`report`]: the report of a run.
//! - [`workflow`]: the runs: initial sync, incremental sync, reconcile.
//! - [`daemon`]: runs by schedule, by event and on request; the control socket.
//! - [`app`]: creates endpoints, state and engine from the settings.
//! - [`cli`]: the command line.
//! - [`config`]: the settings.
//! - [`s3`], [`file_manager`]: the clients of the endpoints; [`sdk`]: what the clients of S3 and SQS share.
//! - [`local_fs`]: the names of objects on disk, and files that are written whole or not at all.
//! - [`telemetry`]: log lines, spans and metrics.
//! - [`clock`], [`endpoint`], [`retry`], [`trust`]: the current time, the errors of endpoints, the retries of calls, trusted certificate
//!   authorities.
//! - [`failpoint`], [`mutant`]: hooks for crash tests and planted bugs for mutation tests, compiled to nothing in releases.
//!
//! Cargo features select the parts: `state` the database and the engine around it, `file-manager` the HTTP client of the file
//! manager, `daemon` settings and schedules, `cli` the program. Without any, the library reads S3, verifies transfers, and reads and compares
//! snapshots.

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

pub mod local_fs;

pub mod sdk;

pub mod telemetry;

mod causes;
pub mod clock;
pub mod endpoint;
pub mod failpoint;
pub mod mutant;
pub mod retry;
pub mod trust;
