//! Stdout and stderr: pipes, closed pipes, colours.

use super::stage::{Stage, ended};
use std::fs::OpenOptions;

/// A stdout whose reader is closed.
fn closed_pipe() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_ends_a_command_without_an_error() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    stage.expect(&["export", "--output", "a.csv"], 0).await;
    for arguments in [
        &["export"][..],
        &["status"],
        &["status", "--json"],
        &["test"],
        &["diff", "a.csv", "a.csv"],
        &["initial-sync"],
        &["initial-sync", "--json"],
        &["--help"],
        &["help"],
    ] {
        let ran = ended(stage.command(arguments).stdout(closed_pipe()).spawn().expect("it starts")).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_cannot_be_printed_is_a_failure() {
    let stage = Stage::with(&["a.txt"]).await;
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("it is on every Linux");
    for arguments in [&["initial-sync"][..], &["status"], &["export"], &["test", "--json"]] {
        let ran = ended(stage.command(arguments).stdout(full()).spawn().expect("it starts")).await;
        assert_eq!(ran.code, Some(1), "{arguments:?}: {ran:?}");
        ran.says(&["No space left on device"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unwritable_stderr_changes_no_exit_code() {
    let mut stage = Stage::with(&["a.txt"]).await;
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("it is on every Linux");
    for (arguments, code) in
        [(&["initial-sync", "--log-level", "TRACE"][..], 0), (&["export", "--output", "no/such/x"], 1), (&["nonsense"], 2)]
    {
        let ran = ended(stage.command(arguments).stderr(full()).spawn().expect("it starts")).await;
        assert_eq!(ran.code, Some(code), "{arguments:?}");
    }
    stage.setting("CUSTOMER_S3_BUCKET", "another-bucket");
    let ran = ended(stage.command(&["initial-sync"]).stderr(full()).spawn().expect("it starts")).await;
    assert_eq!(ran.code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_stream_that_is_not_a_terminal_is_coloured_or_shows_a_bar() {
    let mut stage = Stage::with(&["a.txt"]).await;
    for no_color in ["", "1"] {
        stage.setting("NO_COLOR", no_color);
        let ran = stage.expect(&["initial-sync", "--log-level", "TRACE"], 0).await;
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}') && !ran.stderr.contains('\r'), "{ran:?}");
        assert!(ran.stderr.contains("TRACE") || ran.stderr.contains("DEBUG"), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_key_reaches_no_stream_raw() {
    let stage = Stage::with(&["a\u{1b}[2J\n2026 ERROR forged.txt"]).await;
    stage.api().order(mock_api::Fault::new(mock_api::FaultAction::status(400)).operation("create").always());
    for arguments in
        [&["initial-sync", "--log-level", "TRACE"][..], &["initial-sync", "--json", "--log-format", "json", "--log-level", "TRACE"]]
    {
        let ran = stage.expect(arguments, 3).await;
        let raw = |text: &str| text.contains('\u{1b}') || text.lines().any(|line| line.starts_with("2026 ERROR"));
        assert!(!raw(&ran.stdout) && !raw(&ran.stderr), "{ran:?}");
        ran.prints(&["ERROR forged.txt"]);
    }
    let ran = stage.expect(&["status"], 0).await;
    assert!(!ran.stdout.contains('\u{1b}'), "{ran:?}");
}
