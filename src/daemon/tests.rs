//! The run loop with a fake worker, on a paused clock.

mod fake_worker;
mod sinks;

use super::*;
use crate::clock::SystemClock;
use crate::record::SinkName;
use fake_worker::{FakeWorker, take_one};
use std::sync::atomic::Ordering;
use tokio::time::sleep;

fn shared(worker: &Arc<FakeWorker>) -> Shared {
    Shared {
        worker: worker.clone(),
        run_queue: Arc::default(),
        tasks: Tasks::new(Arc::new(SystemClock)),
        stop_signal: StopSignal::default(),
        run_failed: Arc::default(),
        sink_stopped: Arc::default(),
        wake: Wake::default(),
    }
}

/// Tells the schedules that they may begin.
fn begun() -> watch::Receiver<bool> {
    let (_, begun) = watch::channel(true);
    begun
}

const CYCLE: RunKind = RunKind::Incremental;

#[tokio::test(start_paused = true)]
async fn a_request_gets_a_run_that_begins_after_it_and_those_that_wait_share_one() {
    let worker = FakeWorker::new(10);
    let shared = shared(&worker);
    tokio::spawn(run_loop::run(shared.clone()));
    let submit = |request| shared.run_queue.submit(request).expect("taken");
    let first = submit(RunRequest::of(CYCLE));
    sleep(Duration::from_secs(4)).await;
    let late = [submit(RunRequest::of(CYCLE)), submit(RunRequest::of(CYCLE)), submit(RunRequest::of(CYCLE))];
    let other = submit(RunRequest { allow_deletes: Some(7), ..RunRequest::of(CYCLE) });
    for handle in late.into_iter().chain([first, other]) {
        assert!(handle.ended().await.is_some());
    }
    assert_eq!(worker.runs(), [(CYCLE, 0, 10), (CYCLE, 10, 20), (CYCLE, 20, 30)]);
}

#[tokio::test(start_paused = true)]
async fn a_requested_run_merges_with_one_that_an_event_triggered() {
    let run_queue = RunQueue::default();
    let woken = RunRequest { trigger: RunTrigger::Event, ..RunRequest::of(CYCLE) };
    let _handles = [woken.clone(), RunRequest::of(CYCLE), woken].map(|request| run_queue.submit(request).expect("taken"));
    assert_eq!(run_queue.next().await.request, RunRequest::of(CYCLE));
    assert!(run_queue.is_empty(), "they were one");
}

#[tokio::test(start_paused = true)]
async fn waiting_requests_are_bounded_and_a_closed_queue_rejects() {
    let run_queue = RunQueue::default();
    let request = |deletes| RunRequest { allow_deletes: Some(deletes), ..RunRequest::of(CYCLE) };
    let handles: Vec<_> = (0..16).map(|deletes| run_queue.submit(request(deletes)).expect("there is room")).collect();
    assert_eq!(run_queue.submit(request(16)).err(), Some(RunRejected::TooMany));
    assert!(run_queue.submit(request(3)).is_ok(), "an equal one is merged");
    run_queue.close();
    assert_eq!(run_queue.submit(request(3)).err(), Some(RunRejected::Stopping));
    for handle in handles {
        assert!(handle.ended().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_longer_than_its_interval_is_followed_by_one() {
    let worker = FakeWorker::new(35);
    let shared = shared(&worker);
    tokio::spawn(run_loop::run(shared.clone()));
    tokio::spawn(schedule::run(shared, (status::CYCLE, Schedule::Every(Duration::from_secs(10))), CYCLE, begun()));
    sleep(Duration::from_secs(151)).await;
    assert_eq!(worker.begins(), [10, 45, 80, 115], "at once, and none for what was missed");
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_wake_ups_causes_one_run_and_a_steady_stream_still_causes_runs() {
    let worker = FakeWorker::new(0);
    let shared = shared(&worker);
    let wake = shared.wake.clone();
    tokio::spawn(run_loop::run(shared.clone()));
    tokio::spawn(debounce::run(shared, begun()));
    for _ in 0..100 {
        wake.call();
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(worker.begins(), [1], "a second after the last call");
    for _ in 0..40 {
        wake.call();
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(worker.begins(), [1, 15, 20, 25], "every five seconds, though no second of the twenty was without a call");
}

#[tokio::test(start_paused = true)]
async fn unreachable_endpoints_are_waited_for_and_reported() {
    let worker = FakeWorker::new(2);
    worker.unreachable_for.store(4, Ordering::SeqCst);
    let shared = shared(&worker);
    let (begun, may_begin) = watch::channel(false);
    tokio::spawn(run_loop::run(shared.clone()));
    tokio::spawn(startup::run(shared.clone(), begun));
    sleep(Duration::from_secs(10)).await;
    let status = shared.tasks.status();
    assert_eq!((status.health, worker.runs().len()), (Health::Error, 0));
    assert_eq!(status.problems, ["waiting for unreachable endpoints: S3: no such bucket"]);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(worker.probes(), [0, 1, 3, 7, 15], "each wait is twice the one before");
    assert_eq!(worker.runs(), [(RunKind::Initial, 15, 17)]);
    assert_eq!((shared.tasks.health(), *may_begin.borrow()), (Health::Healthy, true));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_an_unreachable_endpoint_ended_is_followed_by_one_as_soon_as_it_is_reachable() {
    let worker = FakeWorker::new(2);
    worker.initial.store(true, Ordering::SeqCst);
    let shared = shared(&worker);
    let (begun, _may_begin) = watch::channel(false);
    tokio::spawn(run_loop::run(shared.clone()));
    tokio::spawn(startup::run(shared.clone(), begun));
    sleep(Duration::from_secs(100)).await;
    worker.fail_next.store(1, Ordering::SeqCst);
    worker.unreachable_for.store(1, Ordering::SeqCst);
    let handle = shared.run_queue.submit(RunRequest::of(RunKind::Reconcile)).expect("taken");
    assert!(handle.ended().await.is_some_and(|run_result| run_result.failed()));
    assert_eq!(shared.tasks.health(), Health::Error);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(worker.runs(), [(CYCLE, 0, 2), (RunKind::Reconcile, 100, 102), (CYCLE, 105, 107)]);
    assert_eq!(shared.tasks.health(), Health::Healthy);
}

/// A listener that fails from time to time.
struct FailingListener(Arc<FakeWorker>);

#[async_trait]
impl Listener for FailingListener {
    fn name(&self) -> &'static str {
        "stumbling"
    }

    async fn run(&self, context: &ListenerContext) -> Result<(), String> {
        context.wake.call();
        if take_one(&self.0.unreachable_for) {
            return Err("the queue is gone".to_owned());
        }
        context.stop_signal.stopped().await;
        Ok(())
    }
}

fn daemon(worker: &Arc<FakeWorker>, stop_signal: &StopSignal) -> Daemon {
    Daemon {
        worker: worker.clone(),
        cycle: Schedule::Every(Duration::from_mins(5)),
        reconcile: None,
        listeners: vec![Box::new(FailingListener(worker.clone()))],
        identity: Identity { source: "s".to_owned(), sinks: Vec::new() },
        clock: Arc::new(SystemClock),
        stop_signal: stop_signal.clone(),
        grace: Duration::from_secs(20),
    }
}

/// The daemon logged the refusal for ever, and ended with 0 on SIGTERM.
#[tokio::test(start_paused = true)]
async fn a_daemon_whose_state_was_taken_over_ends_and_says_so() {
    let worker = FakeWorker::new(5);
    worker.refuse_next.store(1, Ordering::SeqCst);
    worker.refusal_code.store(4, Ordering::SeqCst);
    let directory = tempfile::tempdir().expect("a directory");
    let socket = ControlSocket::bind(&directory.path().join("sync.db")).expect("it listens");
    let cause = daemon(&worker, &StopSignal::default()).run(socket).await.expect("the cause");
    assert_eq!((cause.reason.as_str(), cause.message.as_str()), ("state_taken_over", "the state cannot be used"));
    assert_eq!(worker.runs(), []);
}

#[tokio::test(start_paused = true)]
async fn a_whole_daemon_starts_works_and_finishes_its_active_run() {
    let (worker, stop_signal) = (FakeWorker::new(5), StopSignal::default());
    let directory = tempfile::tempdir().expect("a directory");
    let database = directory.path().join("sync.db");
    let daemon = daemon(&worker, &stop_signal);
    let running = tokio::spawn(daemon.run(ControlSocket::bind(&database).expect("it listens")));
    sleep(Duration::from_secs(311)).await;
    assert_eq!(worker.runs(), [(RunKind::Initial, 0, 5), (CYCLE, 5, 10), (CYCLE, 305, 310)], "the listener woke it once");
    sleep(Duration::from_secs(295)).await;
    stop_signal.stop(None);
    assert_eq!(running.await.expect("it ends"), None);
    assert_eq!(worker.runs().len(), 4, "the active run has ended");
    assert!(!directory.path().join("sync.db.sock").exists());
}

#[tokio::test]
async fn an_expression_that_never_fires_is_reported() {
    let cron = |text: &str| Schedule::Cron(crate::config::Cron::of(text).expect("an expression"));
    assert_eq!(cron("0 0 3 * * *").ensure_fires("X").await, Ok(()));
    let error = cron("0 0 3 30 2 *").ensure_fires("RECONCILE_CRON").await.expect_err("no February has thirty days").to_string();
    assert!(error.starts_with("RECONCILE_CRON is \"0 0 3 30 2 *\": it never fires"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn events_that_may_have_been_missed_cause_a_listing() {
    for (gap, expected) in [(true, vec![CYCLE, RunKind::Reconcile]), (false, vec![RunKind::Reconcile])] {
        let worker = FakeWorker::new(1);
        worker.initial.store(true, Ordering::SeqCst);
        worker.gap.store(gap, Ordering::SeqCst);
        worker.listing_due.store(!gap, Ordering::SeqCst);
        let parts = shared(&worker);
        tokio::spawn(run_loop::run(parts.clone()));
        tokio::spawn(startup::run(parts, watch::channel(false).0));
        sleep(Duration::from_secs(10)).await;
        assert_eq!(worker.runs().into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>(), expected);
    }
}

/// A refused run counted as a listing that had closed an event gap.
#[tokio::test(start_paused = true)]
async fn a_refused_run_closes_no_event_gap() {
    let worker = FakeWorker::new(1);
    worker.gap.store(true, Ordering::SeqCst);
    let shared = shared(&worker);
    tokio::spawn(run_loop::run(shared.clone()));
    let cycle = shared.run_queue.submit(RunRequest::of(CYCLE)).expect("taken");
    sleep(Duration::from_millis(500)).await;
    // The reconcile requested after the cycle.
    worker.refuse_next.store(1, Ordering::SeqCst);
    assert!(cycle.ended().await.is_some());
    sleep(Duration::from_secs(10)).await;
    let status = shared.tasks.status();
    assert_eq!((status.health, worker.runs().len()), (Health::Error, 1));
    assert!(status.problems.iter().any(|problem| problem.contains("events may have been missed")), "{:?}", status.problems);
}

/// Four kinds of maintenance were one task: `status` did not show which had failed, nor whether the others had run.
#[tokio::test(start_paused = true)]
async fn each_maintenance_task_has_a_status_and_one_that_fails_stops_no_other() {
    let worker = FakeWorker::new(1);
    worker.fail_maintenance.store(1, Ordering::SeqCst);
    let shared = shared(&worker);
    tokio::spawn(housekeeping::run(shared.clone(), begun()));
    sleep(Duration::from_secs(1)).await;
    let last_results = |status: ServiceStatus| -> Vec<_> {
        let tasks = status.tasks.into_iter();
        tasks.map(|task| format!("{} {}: {}", task.name, task.status, task.last_result.expect("it was done"))).collect()
    };
    let status = shared.tasks.status();
    assert_eq!((status.health, status.problems.as_slice()), (Health::Degraded, ["inbox-pruning: a broken broom".to_owned()].as_slice()));
    let swept =
        ["history-pruning idle: swept", "inbox-pruning idle: swept", "snapshot-retention idle: swept", "tombstone-pruning idle: swept"];
    assert_eq!(last_results(status), swept.map(|task| task.replace("inbox-pruning idle: swept", "inbox-pruning idle: a broken broom")));
    sleep(Duration::from_hours(1)).await;
    let status = shared.tasks.status();
    assert_eq!((status.health, last_results(status)), (Health::Healthy, swept.map(str::to_owned).into()));
}

/// A feed that was unreachable when the daemon started was not reported until a cycle had failed because of it.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_runs_go_on_without_is_reported_and_not_waited_for() {
    let worker = FakeWorker::new(2);
    worker.events_api_down.store(true, Ordering::SeqCst);
    worker.initial.store(true, Ordering::SeqCst);
    let shared = shared(&worker);
    let reachable =
        |status: &ServiceStatus| status.endpoints.iter().map(|endpoint| (endpoint.name.clone(), endpoint.open)).collect::<Vec<_>>();
    let expected = |events_api| vec![("S3".to_owned(), true), (EVENTS_API.to_owned(), events_api)];
    tokio::spawn(run_loop::run(shared.clone()));
    tokio::spawn(startup::run(shared.clone(), watch::channel(false).0));
    sleep(Duration::from_secs(1)).await;
    let status = shared.tasks.status();
    assert_eq!((status.health, reachable(&status), status.running.is_some()), (Health::Degraded, expected(false), true));
    assert_eq!(status.problems, ["events API: connection refused: runs go on without it"]);
    worker.events_api_down.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(10)).await;
    assert_eq!((worker.probes().len(), worker.runs().len()), (1, 1));
    // The next cycle reads the feed, which counts as a probe.
    assert!(shared.run_queue.submit(RunRequest::of(CYCLE)).expect("taken").ended().await.is_some());
    let status = shared.tasks.status();
    assert_eq!((status.health, reachable(&status)), (Health::Healthy, expected(true)));
    worker.events_api_down.store(true, Ordering::SeqCst);
    worker.fail_next.store(1, Ordering::SeqCst);
    assert!(shared.run_queue.submit(RunRequest::of(CYCLE)).expect("taken").ended().await.is_some_and(|run_result| run_result.failed()));
    let status = shared.tasks.status();
    assert_eq!(status.health, Health::Degraded, "the cycle failed, and did everything but read the feed: {:?}", status.problems);
    assert_eq!(
        (reachable(&status), status.endpoints[1].message.as_deref()),
        (expected(false), Some("feed: connection refused (start it)"))
    );
}
