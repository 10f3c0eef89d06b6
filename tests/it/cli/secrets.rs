//! Secrets appear nowhere: on no stream at the finest log level, in no file, in no report; also when endpoints fail.

use super::stage::{SECRET_KEY, Stage, TOKEN};
use mock_api::{CallName, Fault, FaultAction};
use std::collections::BTreeMap;

const WRONG_TOKEN: &str = "wrong-tok-Pw5Zs2Xk";
const WRONG_SECRET: &str = "wrong-sec-Bn7Tf4Lr";
const SECRETS: [&str; 4] = [TOKEN, SECRET_KEY, WRONG_TOKEN, WRONG_SECRET];

fn clean(what: &str, bytes: &[u8]) {
    for secret in SECRETS {
        let leaked = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!leaked, "{what} holds a secret: {}", String::from_utf8_lossy(bytes));
    }
}

async fn everything_is_clean(stage: &Stage, commands: &[(&[&str], i32)]) {
    for (arguments, code) in commands {
        for format in ["text", "json"] {
            let logged = [arguments, &["--log-level", "TRACE", "--log-format", format][..]].concat();
            let ran = stage.expect(&logged, *code).await;
            clean(&format!("stdout of {logged:?}"), ran.stdout.as_bytes());
            clean(&format!("stderr of {logged:?}"), ran.stderr.as_bytes());
        }
    }
    for path in stage.left_behind().keys() {
        clean(&path.display().to_string(), &std::fs::read(path).expect("readable"));
    }
    for report in stage.api().reports() {
        clean("the report", report.to_string().as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_shows_a_secret_after_success_or_after_a_refusal() {
    for (settings, code, test_code) in [
        (BTreeMap::new(), 0, 0),
        (BTreeMap::from([("FILE_MANAGER_API_TOKEN", WRONG_TOKEN)]), 1, 1),
        (BTreeMap::from([("CUSTOMER_S3_SECRET_KEY", WRONG_SECRET)]), 1, 1),
    ] {
        let mut stage = Stage::with(&["a.txt", "b.txt"]).await;
        for (name, value) in settings {
            stage.setting(name, value);
        }
        let commands: [(&[&str], i32); 5] = [
            (&["initial-sync"], code),
            (&["test"], test_code),
            (&["status", "--json"], 0),
            (&["export"], 0),
            (&["initial-sync", "--json"], code),
        ];
        everything_is_clean(&stage, &commands).await;
        // A run that could not read the bucket leaves no snapshots.
        let least = if code == 0 { 4 } else { 2 };
        assert!(stage.left_behind().len() >= least, "database, lock and snapshots were searched");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_a_server_repeats_appears_in_no_output() {
    let stage = Stage::with(&["a.txt"]).await;
    let body = Some(format!("{{\"detail\":\"bad header Authorization: Bearer {TOKEN}\"}}"));
    let echo = FaultAction::Answer { status: 400, retry_after_secs: None, body };
    stage.api().order(Fault::new(echo.clone()).call(CallName::SaveToDisk).always());
    stage.api().order(Fault::new(echo).call(CallName::ReportResults).always());
    everything_is_clean(&stage, &[(&["initial-sync"], 3), (&["status"], 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_about_the_configuration_shows_no_secret() {
    let mut stage = Stage::set().await;
    stage.setting("FILE_MANAGER_API_TOKEN", format!("{TOKEN}\n{SECRET_KEY}"));
    stage.setting("EVENTS_API_URL", format!("http://user:{TOKEN}@example.com/?key={SECRET_KEY}"));
    let ran = stage.expect(&["initial-sync"], 2).await;
    ran.says(&["FILE_MANAGER_API_TOKEN", "EVENTS_API_URL", "its value is not shown"]);
    clean("stderr", ran.stderr.as_bytes());
}
