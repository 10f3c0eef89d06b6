//! The command line arguments and their help. The comments of the arguments are the text of `--help`.
//!
//! No secret is ever a flag, because every user of the machine can read the arguments of a process.

use super::OutputFormat;
use crate::app::{ExitCode, exit_code};
use crate::config::{Flags, Need};
use crate::record::SinkName;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{ffi::OsString, path::PathBuf};

/// Syncs an S3 bucket to a file manager.
#[derive(Debug, Parser)]
#[command(name = "s3-sync", version, after_help = exit_code::help())]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do; without a command: daemon.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What holds for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "For every command")]
pub struct GlobalArgs {
    /// Settings from a YAML file, under `service:`.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The least important log lines: TRACE, DEBUG, INFO, WARN, ERROR.
    // Text and not an enum, so that a wrong value is reported together with all other wrong settings.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Log lines for people or for machines: text, json.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// The result as JSON: one document, of `diff` one object a line. See docs/cli.md.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the whole bucket and apply it; resumes where it was stopped.
    InitialSync(InitialSync),
    /// One cycle: apply what events reported since the last one.
    IncrementalSync(Guarded),
    /// List the whole bucket again, and apply what no event reported.
    Reconcile(Guarded),
    /// Run as a service: the initial sync, then cycles and reconciles by schedule. The default command.
    Daemon,
    /// Ask the running daemon how it is: 0 healthy or degraded, 1 otherwise.
    Health,
    /// Write a CSV snapshot.
    Export(Export),
    /// Compare two CSV snapshots; differences are no failure.
    Diff(Diff),
    /// Wait for the endpoints, and create the buckets that are missing; run twice, it changes nothing.
    Setup(Setup),
    /// List, retry or drop events that could not be used.
    DeadLetters(DeadLetters),
    /// Show counts, the last runs, pending work, and which endpoints are reachable.
    Status,
    /// Check every endpoint, changing nothing in the bucket, with a hint for each failure.
    Test,
    /// Explain what happened to a key, why each sink's copy is as it is, and what happens next.
    Why(Why),
}

/// `initial-sync`
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub struct InitialSync {
    /// Raise the guard over deletes to N for this run.
    #[arg(long, value_name = "N")]
    pub allow_deletes: Option<u64>,
    /// The state describes the same data under another name.
    #[arg(long, conflicts_with = "new_source")]
    pub adopt: bool,
    /// The bucket is another one: forget what was observed, and list it anew.
    #[arg(long)]
    pub new_source: bool,
    /// This sink is new, or to be filled anew: everything is sent to it.
    #[arg(long, value_name = "NAME")]
    pub new_sink: Vec<SinkName>,
    /// Forget this sink, which the settings no longer name; what it holds stays there.
    #[arg(long, value_name = "NAME")]
    pub drop_sink: Vec<SinkName>,
    /// The state was restored from a backup.
    #[arg(long)]
    pub restored: bool,
}

/// `setup`
#[derive(Debug, PartialEq, Eq, Args)]
pub struct Setup {
    /// How long to wait for unreachable endpoints.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
    /// Create the customer's bucket, and the target bucket when it is set, if they are missing.
    #[arg(long)]
    pub create_buckets: bool,
    /// Put the files of this directory into the customer's bucket, if it is empty.
    #[arg(long, value_name = "DIR")]
    pub seed: Option<PathBuf>,
}

/// `incremental-sync`, `reconcile`
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub struct Guarded {
    /// Raise the guard over deletes to N for this run.
    #[arg(long, value_name = "N")]
    pub allow_deletes: Option<u64>,
}

/// `export`
#[derive(Debug, PartialEq, Eq, Args)]
pub struct Export {
    /// What the sink has confirmed, or that overlaid with what is known now.
    #[arg(long, value_enum, default_value_t = ExportSide::Known)]
    pub side: ExportSide,
    /// The sink whose files are exported.
    #[arg(long, value_name = "NAME", default_value = "file_manager")]
    pub sink: SinkName,
    /// The file to write; without it, stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A side of a snapshot pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportSide {
    /// What the sink has confirmed ("old").
    Applied,
    /// Applied, overlaid with what is known now ("new").
    Known,
}

/// `diff`
#[derive(Debug, PartialEq, Eq, Args)]
pub struct Diff {
    /// The older snapshot.
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The newer snapshot.
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
}

/// `dead-letters`
#[derive(Debug, PartialEq, Eq, Args)]
pub struct DeadLetters {
    /// What to do with them.
    #[command(subcommand)]
    pub action: DeadLettersCommand,
}

/// What can be done with dead letters.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum DeadLettersCommand {
    /// List them, oldest first.
    List,
    /// Decode them again, with the current settings; the usable events go into the inbox.
    Retry(WhichLetters),
    /// Delete them.
    Drop(WhichLetters),
}

/// `why`
#[derive(Debug, PartialEq, Eq, Args)]
pub struct Why {
    /// The key, as the bucket has it; one that begins with a dash after `--`.
    #[arg(value_name = "KEY")]
    pub object_key: String,
}

/// One, or all.
#[derive(Debug, PartialEq, Eq, Args)]
#[group(required = true, multiple = false)]
pub struct WhichLetters {
    /// The number that `list` shows.
    #[arg(value_name = "ID")]
    pub id: Option<i64>,
    /// All of them.
    #[arg(long)]
    pub all: bool,
}

impl Cli {
    /// Parses the arguments, the program's name first. The error is the exit code: 0 after help and version, 2 after wrong usage.
    pub fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ExitCode> {
        Self::try_parse_from(arguments).map_err(|error| {
            // Ignores a closed pipe.
            let _ = error.print();
            code_of(&error)
        })
    }

    /// The settings that the arguments give.
    pub fn flags(&self) -> Flags {
        let GlobalArgs { config, log_level, log_format, json: _ } = &self.global;
        Flags { config: config.clone(), log_level: log_level.clone(), log_format: log_format.clone() }
    }

    /// The settings that the command requires.
    pub fn needs(&self) -> &'static [Need] {
        self.command.as_ref().unwrap_or(&Command::Daemon).needs()
    }

    /// The format of the result.
    pub fn output_format(&self) -> OutputFormat {
        if self.global.json { OutputFormat::Json } else { OutputFormat::Text }
    }
}

impl Command {
    /// The settings that the command requires. `test` names the missing ones itself, a line each.
    pub fn needs(&self) -> &'static [Need] {
        match self {
            Self::InitialSync(_) | Self::IncrementalSync(_) | Self::Reconcile(_) | Self::Daemon => &[Need::Bucket, Need::AnySink],
            Self::Setup(_) | Self::DeadLetters(DeadLetters { action: DeadLettersCommand::Retry(_) }) => &[Need::Bucket],
            Self::Export(_) | Self::Diff(_) | Self::DeadLetters(_) | Self::Status | Self::Test | Self::Health | Self::Why(_) => &[],
        }
    }
}

/// The exit code if parsing ended: help and version are no error; anything else is wrong usage.
fn code_of(error: &clap::Error) -> ExitCode {
    if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done }
}

#[cfg(test)]
mod tests;
