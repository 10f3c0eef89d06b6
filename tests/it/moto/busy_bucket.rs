//! Two thousand changes in a bucket with boto3, while the real daemon receives them through a queue: both sides are equal soon
//! after the last one. Then again with the queue purged half-way: a reconcile finds the changes without a notification.

use super::objects::{BUCKET, Objects};
use super::queue::queue;
use super::server::{Moto, program};
use super::sync::Sync;
use mock_api::{Contents, MockApi, Running};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const CHANGES: usize = 2_000;
/// Until this long after the last change, both sides may differ.
const CONVERGES_WITHIN: Duration = Duration::from_mins(1);
/// No part of this test takes longer, on any machine.
const PATIENCE: Duration = Duration::from_mins(10);

/// The keys and the SHA-256 of their contents.
type Side = BTreeMap<String, String>;

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_bucket_is_followed_and_what_a_queue_lost_is_found_by_a_reconcile() {
    let moto = Moto::start().await;
    let objects = Objects::create(&moto).await;
    let (url, _owner) = queue(&moto, &objects).await;
    let options = mock_api::Options { contents: Contents::Memory, recorded_calls: 16, ..mock_api::Options::default() };
    let files = MockApi::new(options).start("127.0.0.1:0").await.expect("a free port");
    let sync = Sync::new(&moto.endpoint, &files)
        .with("EVENTS_SQS_QUEUE_URL", &url)
        .with("EVENTS_SQS_ENDPOINT", &moto.endpoint)
        // Only the queue triggers a cycle, and only the command lists again.
        .with("SYNC_INTERVAL", "86400")
        .with("RECONCILE_CRON", "off");
    let mut daemon = sync.start(&["daemon"]);
    says(&mut daemon, "run=1 outcome=\"done\"").await;

    let mut changes = Changes::begin(&moto);

    let (done, wanted, last_change) = changes.round("").await;
    let seconds = converges(&files, &wanted, last_change).await;
    println!("{done}: both sides have the same {} files {seconds:.1} s after the last change", wanted.len());

    let (done, wanted, last_change) = changes.round(&format!("{url} {}", daemon.id().expect("it runs"))).await;
    // (Messages in flight are not lost.)
    assert!(done["purged"].as_u64().is_some_and(|purged| purged > 100), "the queue had little to lose: {done}");
    let cycle = sync.run(&["incremental-sync"]).await;
    assert!(cycle.code == Some(0) && held(&files) != wanted, "nothing was lost: {}", cycle.output());
    let reconciled = sync.run(&["reconcile"]).await;
    assert_eq!(reconciled.code, Some(0), "{}", reconciled.output());
    reconciled.assert_prints("the running daemon is asked for it");
    let seconds = converges(&files, &wanted, last_change).await;
    println!("{done}: both sides have the same {} files {seconds:.1} s after the last change, and a reconcile", wanted.len());

    // Notifications that arrive later change nothing.
    let cycle = sync.run(&["incremental-sync"]).await;
    assert_eq!((cycle.code, held(&files) == wanted), (Some(0), true), "{}", cycle.output());
}

/// The script that changes the bucket.
struct Changes {
    _process: Child,
    rounds: ChildStdin,
    printed: Lines<BufReader<ChildStdout>>,
}

impl Changes {
    fn begin(moto: &Moto) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/moto/busy_bucket.py");
        // moto's environment has boto3.
        let mut command = Command::new(Path::new(&program()).with_file_name("python"));
        command.arg(script).args(["--endpoint", &moto.endpoint, "--bucket", BUCKET, "--changes", &CHANGES.to_string()]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("Python starts");
        let rounds = process.stdin.take().expect("stdin is piped");
        let printed = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        Self { _process: process, rounds, printed }
    }

    /// Makes a round of changes, with or without purging the queue. Returns what was done, the bucket's content, and the time of
    /// the last change.
    async fn round(&mut self, loses: &str) -> (Value, Side, Instant) {
        self.rounds.write_all(format!("{loses}\n").as_bytes()).await.expect("the script listens");
        let printed = tokio::time::timeout(PATIENCE, async {
            let done = self.printed.next_line().await.expect("text").expect("the changes come to their end");
            let last_change = Instant::now();
            (done, last_change, self.printed.next_line().await.expect("text").expect("the bucket is listed"))
        });
        let (done, last_change, there) = printed.await.expect("the round comes to its end");
        (serde_json::from_str(&done).expect("JSON"), serde_json::from_str(&there).expect("JSON"), last_change)
    }
}

/// Waits until the file manager holds exactly this; returns the seconds since the last change.
async fn converges(files: &Running, wanted: &Side, last_change: Instant) -> f64 {
    let same = files.api().wait_for_calls(|_| held(files) == *wanted);
    let left = CONVERGES_WITHIN.saturating_sub(last_change.elapsed());
    if tokio::time::timeout(left, same).await.is_err() {
        let held = held(files);
        let differ = |one: &Side, other: &Side| one.iter().filter(|(key, sha)| other.get(*key) != Some(sha)).count();
        panic!("{} keys are not there as they should be, {} should not be there", differ(wanted, &held), differ(&held, wanted));
    }
    last_change.elapsed().as_secs_f64()
}

fn held(files: &Running) -> Side {
    files.api().files().into_iter().map(|(path, file)| (path, file.sha256)).collect()
}

/// Waits until it prints these words on stderr. The rest is read and discarded, because a full pipe would block it.
async fn says(daemon: &mut Child, words: &str) {
    let mut lines = BufReader::new(daemon.stderr.take().expect("stderr is piped")).lines();
    let said = tokio::time::timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.contains(words) {
                return true;
            }
        }
        false
    });
    assert!(said.await == Ok(true), "the daemon never said {words:?}");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}
