//! A sync engine for S3 with a memory.
//!
//! One sentence describes every flow:
//!
//! > observe → snapshot → diff → plan → apply → record → report
//!
//! The modules, in reading order:

pub mod record;

pub mod source;

pub mod events;

pub mod state;

pub mod snapshot;

pub mod diff;

pub mod plan;

pub mod run;

pub mod apply;

pub mod transfer;

pub mod report;

pub mod workflow;

pub mod daemon;

pub mod app;

pub mod cli;

pub mod config;

pub mod s3;

pub mod file_manager;

pub mod telemetry;

pub mod clock;
pub mod endpoint;
pub mod failpoint;
pub mod mutant;
pub mod retry;
