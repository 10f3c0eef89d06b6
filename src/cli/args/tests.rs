//! Tests of the arguments: the typed text and the command it parses to.

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
        InitialSync {
            allow_deletes: Some(7),
            adopt: true,
            new_source: false,
            new_sink: vec!["backup".parse().expect("a name")],
            drop_sink: Vec::new(),
            restored: true
        }
    );
    let Command::Export(export) = command("export --side applied --output x.csv") else { panic!() };
    assert_eq!(export, Export { side: ExportSide::Applied, sink: SinkName::file_manager(), output: Some("x.csv".into()) });
    let Command::Diff(diff) = command("diff a.csv b.csv") else { panic!() };
    assert_eq!(diff, Diff { old: "a.csv".into(), new: "b.csv".into() });
    let Command::Setup(setup) = command("setup --wait 5 --create-buckets --seed test-data") else { panic!() };
    assert_eq!(setup, Setup { wait: 5, create_buckets: true, seed: Some("test-data".into()) });
    let Command::DeadLetters(arguments) = command("dead-letters drop --all") else { panic!() };
    assert_eq!(arguments.action, DeadLettersCommand::Drop(WhichLetters { id: None, all: true }));
    let Command::DeadLetters(arguments) = command("dead-letters retry 7") else { panic!() };
    assert_eq!(arguments.action, DeadLettersCommand::Retry(WhichLetters { id: Some(7), all: false }));
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
fn help_lists_the_exit_codes() {
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
