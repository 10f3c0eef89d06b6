//! One fault: a run with it, a run after it, and a run without remaining work; and the properties that each must have.

use super::super::scene::{BUCKET, Scene, over_http_with};
use bytes::Bytes;
use mock_api::MockApi;
use mock_s3::MockS3;
use s3_sync::state::RunOutcome;
use s3_sync::workflow::FinishedRun;
use std::collections::BTreeMap;
use std::time::Duration;

/// The work on `m` when the fault occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Create,
    Update,
    Delete,
}

/// The calls to count: those that the fault affects.
#[derive(Clone, Copy, Debug)]
pub(super) enum Struck {
    /// An operation of the file manager, about `m` if the operation has a path.
    Api(&'static str),
    /// An operation of the store, about `m` if the operation has a key.
    S3(&'static str),
}

type Order = Box<dyn FnOnce(&MockApi, &MockS3) + Send>;

/// One line of the table, to be measured.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) task: Task,
    pub(super) struck: Struck,
    /// Causes the fault.
    pub(super) order: Order,
    /// Removes its cause, if withdrawing all faults is not enough.
    pub(super) repair: Order,
    /// How long a client waits for an answer.
    pub(super) patience: Duration,
    /// Keys in one listing page.
    pub(super) page_keys: u16,
    /// The store's checksum in addition to the MD5 of an `ETag`.
    pub(super) checksum: Option<mock_s3::ChecksumAlgorithm>,
}

/// One measured line.
pub(super) struct Line {
    name: String,
    asked: usize,
    effects: String,
    held: &'static str,
    others: &'static str,
    left: String,
    outcome: RunOutcome,
    reported: String,
    next: String,
}

/// Longer than the effects of one page take.
const FIRST_PAGE: Duration = Duration::from_millis(500);

impl Case {
    pub(super) fn new(name: impl Into<String>, task: Task, struck: Struck, order: impl FnOnce(&MockApi, &MockS3) + Send + 'static) -> Self {
        Self {
            name: name.into(),
            task,
            struck,
            order: Box::new(order),
            repair: Box::new(|_, _| {}),
            patience: Duration::from_secs(30),
            page_keys: 1000,
            checksum: Some(mock_s3::ChecksumAlgorithm::Crc64Nvme),
        }
    }

    pub(super) fn repair(self, repair: impl FnOnce(&MockApi, &MockS3) + Send + 'static) -> Self {
        Self { repair: Box::new(repair), ..self }
    }

    /// Sets the limit for a case in which a client waits in vain for an answer.
    pub(super) fn impatient(self) -> Self {
        Self { patience: Duration::from_millis(2500), ..self }
    }

    pub(super) async fn measure(self) -> Line {
        let server_options = mock_s3::Options { checksum: self.checksum, ..mock_s3::Options::default() };
        let (server, mut scene) = over_http_with(server_options, self.patience).await;
        let s3 = server.server();
        scene.program.options.concurrency = 1;
        scene.program.options.page_keys = self.page_keys;
        if self.page_keys < 1000 {
            // The attempts at the listing take longer than the work of its first page.
            scene.program.options.retry.base = FIRST_PAGE;
            scene.program.options.retry.max_wait = FIRST_PAGE;
        }
        let mut shown = prepare(s3, &scene, self.task).await;
        let before = scene.effects("m", word(self.task));
        scene.api.api().reset_calls();
        s3.clear_requests();

        (self.order)(scene.api.api(), s3);
        let ended = scene.run().await;
        shown.extend(s3.body(BUCKET, "m"));
        let line = Line {
            asked: asked(self.struck, &scene, s3),
            effects: effects(scene.effects("m", word(self.task)) - before, self.task),
            held: held(&self.name, self.task, &scene, &shown),
            others: others(&scene),
            left: left(&ended),
            outcome: ended.outcome,
            reported: reported(&ended),
            next: String::new(),
            name: self.name,
        };
        let run_failed = ended.outcome == RunOutcome::Failed;
        assert!(run_failed || line.others == "arrived", "{}: one object failed the others: {}", line.name, ended.report);

        s3.clear_faults();
        scene.api.api().clear_faults();
        (self.repair)(scene.api.api(), s3);
        let next = scene.run_to_success().await;
        let stored: BTreeMap<_, _> =
            s3.objects(BUCKET).into_iter().map(|object| (object.key.clone(), s3.body(BUCKET, &object.key))).collect();
        let arrived: BTreeMap<_, _> = scene.contents().into_iter().map(|(path, content)| (path, Some(content))).collect();
        assert!(stored == arrived, "{}: the bucket has {:?}, the file manager {:?}", line.name, stored.keys(), arrived.keys());

        scene.api.api().reset_calls();
        scene.run_to_success().await;
        assert_eq!(scene.saves(), [], "{}: a third run has nothing to send", line.name);
        let twice: Vec<_> = scene.api.api().effects().by_key.into_iter().filter(|(_, count)| *count > 1).collect();
        assert!(twice.is_empty(), "{}: these keys had their effect more than once: {twice:?}", line.name);
        Line { next: done(&next), ..line }
    }
}

/// Fills the bucket, syncs it if `m` must be known, and prepares the task. Returns the contents that `m` has had so far.
async fn prepare(s3: &MockS3, scene: &Scene, task: Task) -> Vec<Bytes> {
    fill(s3);
    let first = s3.body(BUCKET, "m").expect("it was put a moment ago");
    if task != Task::Create {
        scene.run_to_success().await;
    }
    match task {
        Task::Create => {}
        Task::Update => {
            s3.put_generated(BUCKET, "m", 30_000, 2);
        }
        Task::Delete => assert!(s3.remove(BUCKET, "m")),
    }
    vec![first]
}

/// Creates the bucket if it is missing, with its initial objects.
pub(super) fn fill(s3: &MockS3) {
    s3.put(BUCKET, "a", "first", Some("text/plain"));
    s3.put_generated(BUCKET, "m", 20_000, 1);
    s3.put(BUCKET, "z", "last", Some("text/plain"));
}

fn word(task: Task) -> &'static str {
    match task {
        Task::Create => "create",
        Task::Update => "update",
        Task::Delete => "delete",
    }
}

fn asked(struck: Struck, scene: &Scene, s3: &MockS3) -> usize {
    match struck {
        Struck::Api(operation) => {
            let about_m = |path: Option<&str>| path.is_none_or(|path| path == "m");
            let named = |call: &mock_api::Call| call.operation.as_deref().unwrap_or(call.call.as_str()) == operation;
            scene.api.api().calls().iter().filter(|call| named(call) && about_m(call.path.as_deref())).count()
        }
        Struck::S3(operation) => {
            let about_m = |request: &mock_s3::Request| request.key.as_deref().is_none_or(|key| key == "m");
            s3.requests().iter().filter(|request| request.operation == operation && about_m(request)).count()
        }
    }
}

fn effects(count: u64, task: Task) -> String {
    match count {
        0 => "none".to_owned(),
        1 => format!("1 {}", word(task)),
        more => format!("{more} {}s", word(task)),
    }
}

/// What the file manager holds of `m`: it must be a complete content that the bucket has shown.
fn held(name: &str, task: Task, scene: &Scene, shown: &[Bytes]) -> &'static str {
    let Some(content) = scene.contents().remove("m") else { return "no" };
    match shown.iter().rposition(|known| *known == content) {
        Some(place) if place + 1 == shown.len() && task != Task::Delete => "yes",
        Some(_) => "as it was",
        None => panic!("{name}: the file manager saved {} bytes of `m` that the bucket never held", content.len()),
    }
}

fn others(scene: &Scene) -> &'static str {
    let contents = scene.contents();
    match (contents.get("a").is_some_and(|a| a == "first"), contents.get("z").is_some_and(|z| z == "last")) {
        (true, true) => "arrived",
        (true, false) => "`a` arrived",
        (false, true) => "`z` arrived",
        (false, false) => "no",
    }
}

fn left(ended: &FinishedRun) -> String {
    let report = &ended.report;
    let skipped = report.skipped.values().sum();
    let counts = [("parked", report.pending.parked), ("due", report.pending.due), ("skipped", skipped)];
    let mut left: Vec<_> = counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
    left.extend((!report.listing.completed).then(|| "the rest of the listing".to_owned()));
    if left.is_empty() { "–".to_owned() } else { left.join(", ") }
}

fn reported(ended: &FinishedRun) -> String {
    let report = &ended.report;
    let stopped = report.errors.iter().filter(|line| line.starts_with("stopped: "));
    let hint = |line: &String| line.rsplit_once(" (").map_or_else(|| line.clone(), |(_, hint)| hint.trim_end_matches(')').to_owned());
    let mut reported: Vec<_> = stopped.map(|line| format!("stopped: {}", hint(line))).collect();
    reported.extend(report.failures.iter().map(|failure| format!("`{}`: {}", failure.reason, failure.hint)));
    reported.extend(report.skipped.keys().map(|reason| format!("skipped: `{reason}`")));
    reported.extend(ended.report.report_refused.as_ref().map(|_| "the report was not accepted".to_owned()));
    if reported.is_empty() { "–".to_owned() } else { reported.join("; ") }
}

fn done(ended: &FinishedRun) -> String {
    let operations = &ended.report.operations;
    let counts =
        [("created", operations.create), ("updated", operations.update), ("deleted", operations.delete), ("confirmed", operations.confirm)];
    let counts: Vec<_> = counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
    if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") }
}

impl Line {
    pub(super) fn cells(&self) -> [String; 9] {
        let Self { name, asked, effects, held, others, left, outcome, reported, next } = self;
        [
            name.clone(),
            asked.to_string(),
            effects.clone(),
            (*held).to_owned(),
            (*others).to_owned(),
            left.clone(),
            outcome.as_str().to_owned(),
            reported.clone(),
            next.clone(),
        ]
    }
}
