//! Wrong arguments and settings: exit code 2, every problem reported, nothing changed.

use super::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_reported() {
    let stage = Stage::set().await;
    for arguments in [&["nonsense"][..], &["initial-sync", "--nonsense"], &["diff", "one"], &["export", "--side", "both"]] {
        let ran = stage.expect(arguments, 2).await;
        assert!(ran.stdout.is_empty(), "{ran:?}");
        ran.says(&["Usage:", "--help"].map(|word| if arguments == ["export", "--side", "both"] { "applied, known" } else { word }));
    }
    assert!(stage.left_behind().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn help_goes_to_stdout_and_lists_commands_flags_and_exit_codes() {
    let stage = Stage::set().await;
    for arguments in [&["--help"][..], &["help"]] {
        let ran = stage.expect(arguments, 0).await;
        ran.prints(&[
            "initial-sync",
            "incremental-sync",
            "reconcile",
            "daemon",
            "health",
            "export",
            "diff",
            "status",
            "test",
            "--config",
            "--log-level",
            "--json",
        ]);
        ran.prints(&["  4  another instance", "  5  deletes are held", "143  ended by SIGTERM", "docs/configuration.md"]);
        assert!(ran.stderr.is_empty(), "{ran:?}");
    }
    stage.expect(&["initial-sync", "--help"], 0).await.prints(&[
        "--allow-deletes <N>",
        "--adopt",
        "--new-source",
        "--new-sink",
        "--restored",
    ]);
    stage.expect(&["--version"], 0).await.prints(&["s3-sync 0."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_of_the_configuration_are_reported_at_once_before_anything_is_touched() {
    let mut stage = Stage::with(&["a"]).await;
    stage.without("CUSTOMER_S3_BUCKET");
    stage.setting("FILE_MANAGER_API_URL", "ftp://files");
    stage.setting("CONCURRENCY", "many");
    stage.setting("CSV_RETENTION", "0");
    stage.setting("FILE_MANAGER_API_TOKEN_FILE", "/nowhere/token");
    let ran = stage.expect(&["initial-sync", "--log-level", "LOUD"], 2).await;
    ran.says(&["6 problems", "CUSTOMER_S3_BUCKET is missing", "FILE_MANAGER_API_URL is \"ftp://files\" (environment): give an http://"]);
    ran.says(&[
        "CONCURRENCY is \"many\"",
        "whole number from 1 to 256",
        "CSV_RETENTION is \"0\"",
        "--log-level",
        "\"LOUD\"",
        "TRACE, DEBUG",
    ]);
    ran.says(&["FILE_MANAGER_API_TOKEN (environment) and FILE_MANAGER_API_TOKEN_FILE (environment) are both given"]);
    assert!(ran.stdout.is_empty() && stage.left_behind().is_empty(), "{ran:?}");
    assert_eq!((stage.s3.server().counters().requests, stage.api().calls_in_all()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_does_not_exist_is_wrong_usage() {
    let stage = Stage::with(&["a"]).await;
    stage.expect(&["initial-sync", "--new-sink", "nonsense"], 2).await.says(&["--new-sink nonsense", "file_manager"]);
    stage.expect(&["export", "--json"], 2).await.says(&["--json goes with --output FILE"]);
    assert!(stage.left_behind().is_empty());
    assert_eq!(stage.api().calls_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_come_from_a_file_and_from_dot_env_too() {
    let mut stage = Stage::with(&["a"]).await;
    stage.without("CUSTOMER_S3_BUCKET");
    stage.without("RETRY_ATTEMPTS");
    std::fs::write(stage.path("s3-sync.yaml"), "service:\n  customer_s3_bucket: customer-bucket\n  databse_path: x.db\n").expect("written");
    let ran = stage.expect(&["initial-sync", "--config", "s3-sync.yaml"], 2).await;
    ran.says(&["service.databse_path", "s3-sync.yaml, line 3", "did you mean database_path?"]);
    std::fs::write(stage.path(".env"), "DATABASE_PATH=elsewhere/s.db\n").expect("written");
    std::fs::write(stage.path("s3-sync.yaml"), "service:\n  customer_s3_bucket: customer-bucket\n").expect("written");
    stage.expect(&["initial-sync", "--config", "s3-sync.yaml"], 0).await;
    assert!(stage.path("elsewhere/s.db").exists());
}
