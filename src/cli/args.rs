//! The arguments: what can be typed, and what each means. What a command does is its own file's concern.
//!
//! No secret is ever a flag: process arguments can be read by everybody on the machine.

use super::{ExitCode, OutputFormat, exit};
use crate::config::{Flags, Need};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{ffi::OsString, path::PathBuf};

/// Brings an S3 bucket into a file manager.
#[derive(Debug, Parser)]
#[command(name = "s3-sync", version, after_help = exit::help())]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do; nothing typed is the daemon.
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
    // Text, so that a wrong one is told together with every other wrong setting.
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
    /// List the whole bucket and apply it; goes on where it was stopped.
    InitialSync(InitialSync),
    /// One cycle: apply what was told since the last one.
    IncrementalSync(Guarded),
    /// List the whole bucket again, and heal what nobody told.
    Reconcile(Guarded),
    /// Keep both in step: the initial sync, then cycles and reconciles by schedule. Also without any command.
    Daemon,
    /// Ask the running daemon how it is: 0 healthy or degraded, 1 otherwise.
    Health,
    /// Write a CSV snapshot.
    Export(Export),
    /// Compare two CSV snapshots; differences are no failure.
    Diff(Diff),
    /// Wait for the doors, and make what is missing behind them; run twice, it changes nothing.
    Setup(Setup),
    /// Events that could not be used: tell them, try them again, forget them.
    DeadLetters(DeadLetters),
    /// Tell counts, the last runs, what is pending, and whether the doors open.
    Status,
    /// Check every door, changing nothing in the bucket, and say what to do about each that is shut.
    Test,
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
    /// Start over on the side of the bucket: it is another one.
    #[arg(long)]
    pub new_source: bool,
    /// Start over on the side of this sink; the only one is `file_manager`.
    #[arg(long, value_name = "NAME")]
    pub new_sink: Option<String>,
    /// The state was restored from a backup.
    #[arg(long)]
    pub restored: bool,
}

/// `setup`
#[derive(Debug, PartialEq, Eq, Args)]
pub struct Setup {
    /// Wait so long for doors that are shut.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
    /// Make the customer's bucket, and the target bucket when it is set, if they are not there.
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
    #[arg(long, value_enum, default_value_t = Side::Known)]
    pub side: Side,
    /// The file to write; without it, stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A side of a snapshot pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
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
    pub action: DeadLettersAction,
}

/// What can be done with dead letters.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum DeadLettersAction {
    /// Tell them, oldest first.
    List,
    /// Decode them again, as the settings and the program are now; what can be used goes into the inbox.
    Retry(WhichLetters),
    /// Forget them.
    Drop(WhichLetters),
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
    /// What was typed (the program's name first), or how to end: after help and version with 0, after wrong usage with 2.
    pub fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ExitCode> {
        Self::try_parse_from(arguments).map_err(|error| {
            // A closed pipe is no reason to fail: nothing is left to be told.
            let _ = error.print();
            code_of(&error)
        })
    }

    /// The layer of settings that was typed.
    pub fn flags(&self) -> Flags {
        let GlobalArgs { config, log_level, log_format, json: _ } = &self.global;
        Flags { config: config.clone(), log_level: log_level.clone(), log_format: log_format.clone() }
    }

    /// The settings that the command cannot do without.
    pub fn needs(&self) -> &'static [Need] {
        self.command.as_ref().unwrap_or(&Command::Daemon).needs()
    }

    /// Whom the result is for.
    pub fn output_format(&self) -> OutputFormat {
        if self.global.json { OutputFormat::Json } else { OutputFormat::Text }
    }
}

impl Command {
    /// The settings that the command cannot do without. `test` names the missing ones itself, a line each.
    pub fn needs(&self) -> &'static [Need] {
        match self {
            Self::InitialSync(_) | Self::IncrementalSync(_) | Self::Reconcile(_) | Self::Daemon => &[Need::Bucket, Need::FileManager],
            Self::DeadLetters(DeadLetters { action: DeadLettersAction::Retry(_) }) => &[Need::Bucket],
            Self::Export(_) | Self::Diff(_) | Self::DeadLetters(_) | Self::Status | Self::Test | Self::Health => &[],
            Self::Setup(_) => &[Need::Bucket],
        }
    }
}

/// Help and version are what was asked for; everything else that ends the parsing is wrong usage.
fn code_of(error: &clap::Error) -> ExitCode {
    if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TABLE;
    use clap::CommandFactory as _;

    fn typed(arguments: &str) -> Result<Cli, ExitCode> {
        Cli::try_parse_from(std::iter::once("s3-sync").chain(arguments.split_whitespace())).map_err(|error| code_of(&error))
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_takes_what_the_contract_says() {
        let command = |arguments| typed(arguments).expect("right").command.expect("one is typed");
        let Command::InitialSync(run) = command("initial-sync --allow-deletes 7 --adopt --new-sink backup --restored") else { panic!() };
        assert_eq!(
            run,
            InitialSync { allow_deletes: Some(7), adopt: true, new_source: false, new_sink: Some("backup".to_owned()), restored: true }
        );
        let Command::Export(export) = command("export --side applied --output x.csv") else { panic!() };
        assert_eq!(export, Export { side: Side::Applied, output: Some("x.csv".into()) });
        let Command::Diff(diff) = command("diff a.csv b.csv") else { panic!() };
        assert_eq!(diff, Diff { old: "a.csv".into(), new: "b.csv".into() });
        let Command::Setup(setup) = command("setup --wait 5 --create-buckets --seed test-data") else { panic!() };
        assert_eq!(setup, Setup { wait: 5, create_buckets: true, seed: Some("test-data".into()) });
        let Command::DeadLetters(letters) = command("dead-letters drop --all") else { panic!() };
        assert_eq!(letters.action, DeadLettersAction::Drop(WhichLetters { id: None, all: true }));
        let Command::DeadLetters(letters) = command("dead-letters retry 7") else { panic!() };
        assert_eq!(letters.action, DeadLettersAction::Retry(WhichLetters { id: Some(7), all: false }));
        let guarded = Guarded { allow_deletes: Some(7) };
        assert!(matches!(command("incremental-sync --allow-deletes 7"), Command::IncrementalSync(typed) if typed == guarded));
        assert!(matches!(command("reconcile --allow-deletes 7"), Command::Reconcile(typed) if typed == guarded));
        assert!(matches!(command("daemon"), Command::Daemon));
        assert!(matches!(command("health"), Command::Health));
        let nothing = typed("--json").expect("right");
        assert!(nothing.command.is_none() && nothing.needs() == Command::Daemon.needs());
        assert!(matches!(command("status"), Command::Status));
        assert!(matches!(command("test"), Command::Test));
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        for arguments in [
            "--config c.yaml --log-level DEBUG --log-format json --json status",
            "status --json --log-level DEBUG --log-format json --config c.yaml",
        ] {
            let cli = typed(arguments).expect("right");
            let flags = cli.flags();
            assert_eq!(cli.output_format(), OutputFormat::Json);
            assert_eq!(flags.config, Some("c.yaml".into()));
            assert_eq!((flags.log_level.as_deref(), flags.log_format.as_deref()), (Some("DEBUG"), Some("json")));
        }
    }

    #[test]
    fn wrong_usage_ends_with_2_and_help_with_0() {
        for (arguments, expected) in [
            ("nonsense", ExitCode::Usage),
            ("diff one", ExitCode::Usage),
            ("export --side both", ExitCode::Usage),
            ("initial-sync --allow-deletes -1", ExitCode::Usage),
            ("initial-sync --adopt --new-source", ExitCode::Usage),
            ("dead-letters", ExitCode::Usage),
            ("dead-letters drop", ExitCode::Usage),
            ("dead-letters drop 1 --all", ExitCode::Usage),
            ("dead-letters retry first", ExitCode::Usage),
            ("--help", ExitCode::Done),
            ("diff --help", ExitCode::Done),
            ("--version", ExitCode::Done),
        ] {
            assert_eq!(typed(arguments).err(), Some(expected), "{arguments}");
        }
    }

    #[test]
    fn help_tells_the_exit_codes() {
        let help = Cli::command().render_help().to_string();
        assert!(help.contains("  143  ended by SIGTERM"), "{help}");
    }

    #[test]
    fn no_secret_can_be_typed_and_no_argument_reads_the_environment() {
        fn arguments(command: &clap::Command) -> Vec<clap::Arg> {
            command.get_arguments().cloned().chain(command.get_subcommands().flat_map(arguments)).collect()
        }
        let secrets: Vec<_> = TABLE.iter().filter(|declared| declared.secret).map(|declared| declared.name.to_lowercase()).collect();
        for argument in arguments(&Cli::command()) {
            let name = argument.get_id().as_str();
            assert!(argument.get_env().is_none(), "{name}");
            assert!(!secrets.iter().any(|secret| secret.contains(name) || name.contains(secret.as_str())), "{name}");
        }
    }
}
