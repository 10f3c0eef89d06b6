//! The daemon with several sinks, of which some are unreachable.

use super::*;

/// A daemon's tasks without its schedules, with these sinks: their names, and whether they are reachable.
fn started(worker: &Arc<FakeWorker>, sinks: &[(&str, bool)]) -> (Shared, watch::Receiver<bool>) {
    for (name, is_reachable) in sinks {
        worker.set_sink(name, *is_reachable);
    }
    let shared = shared(worker);
    let (begun, may_begin) = watch::channel(false);
    tokio::spawn(run_loop::run(shared.clone()));
    tokio::spawn(startup::run(shared.clone(), begun));
    (shared, may_begin)
}

/// Name, reachability, and whether runs wait for it.
fn sinks_of(shared: &Shared) -> Vec<(String, bool, bool)> {
    let endpoints = shared.tasks.status().endpoints.into_iter().filter(|endpoint| endpoint.name != "S3" && endpoint.name != EVENTS_API);
    endpoints.map(|endpoint| (endpoint.name, endpoint.open, endpoint.awaited)).collect()
}

fn named(sinks: [(&str, bool, bool); 2]) -> Vec<(String, bool, bool)> {
    sinks.map(|(name, open, awaited)| (name.to_owned(), open, awaited)).into()
}

/// The daemon waited for every sink: one that was down for a week kept the others a week behind. All of them had one name in `status`.
#[tokio::test(start_paused = true)]
async fn an_unreachable_sink_keeps_no_other_waiting_and_joins_when_it_is_reachable_again() {
    let worker = FakeWorker::new(2);
    let (shared, may_begin) = started(&worker, &[("file_manager", true), ("mirror", false)]);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(worker.runs(), [(RunKind::Initial, 0, 2)]);
    assert!(*may_begin.borrow(), "the schedules of the others begin, though the initial sync is not complete");
    let status = shared.tasks.status();
    assert_eq!(sinks_of(&shared), named([("file manager", true, true), ("sink mirror", false, false)]));
    assert_eq!(status.health, Health::Degraded);
    assert!(
        status.problems.contains(&"sink mirror: connection refused (start it): runs go on without it".to_owned()),
        "{:?}",
        status.problems
    );

    // A scheduled run meanwhile tries the sink, and starts nothing by its failure.
    assert!(shared.run_queue.submit(RunRequest::of(CYCLE)).expect("taken").ended().await.is_some());
    sleep(Duration::from_secs(3)).await;
    assert_eq!((worker.runs().len(), shared.tasks.health()), (2, Health::Degraded));
    worker.set_sink("mirror", true);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(worker.probes(), [0, 3, 5, 9], "the sink is probed with growing waits");
    assert_eq!(worker.runs(), [(RunKind::Initial, 0, 2), (CYCLE, 3, 5), (RunKind::Initial, 9, 11)]);
    assert_eq!(sinks_of(&shared), named([("file manager", true, false), ("sink mirror", true, false)]));
    assert_eq!((shared.tasks.health(), shared.tasks.status().problems), (Health::Healthy, Vec::new()));

    // A sink that a run finds unreachable is probed from then on.
    worker.set_sink("file_manager", false);
    assert!(shared.run_queue.submit(RunRequest::of(CYCLE)).expect("taken").ended().await.is_some());
    assert_eq!(sinks_of(&shared), named([("file manager", false, false), ("sink mirror", true, true)]));
    worker.set_sink("file_manager", true);
    sleep(Duration::from_secs(10)).await;
    assert_eq!((worker.runs().len(), shared.tasks.health()), (5, Health::Healthy));
}

#[tokio::test(start_paused = true)]
async fn runs_wait_until_one_sink_of_several_is_reachable() {
    let worker = FakeWorker::new(2);
    let (shared, _may_begin) = started(&worker, &[("file_manager", false), ("mirror", false)]);
    sleep(Duration::from_secs(10)).await;
    assert_eq!((worker.runs().len(), shared.tasks.health()), (0, Health::Error));
    let waiting = "waiting for unreachable endpoints: file manager: connection refused; sink mirror: connection refused";
    assert_eq!(shared.tasks.status().problems, [waiting]);
    worker.set_sink("mirror", true);
    sleep(Duration::from_secs(9)).await;
    assert_eq!((worker.begins(), shared.tasks.health()), (vec![15], Health::Degraded));
    // The run that finds the last sink unreachable is a failure of the whole service.
    worker.set_sink("mirror", false);
    assert!(shared.run_queue.submit(RunRequest::of(CYCLE)).expect("taken").ended().await.is_some());
    assert_eq!(shared.tasks.health(), Health::Error);
}

/// A sink that answers each probe and refuses each call.
#[tokio::test(start_paused = true)]
async fn a_sink_that_stops_each_run_and_answers_each_probe_gets_runs_with_growing_waits() {
    let worker = FakeWorker::new(0);
    worker.initial.store(true, Ordering::SeqCst);
    let mirror: SinkName = "mirror".parse().expect("a name");
    worker.refused_by_sink.lock().expect("no panic").extend([mirror.clone(), mirror.clone(), mirror]);
    let (shared, _may_begin) = started(&worker, &[("file_manager", true), ("mirror", true)]);
    sleep(Duration::from_secs(200)).await;
    assert_eq!((worker.begins(), shared.tasks.health()), (vec![0, 1, 3, 7], Health::Healthy));
}

/// The run that the source's failure ends is followed by another one at once, however long a sink has been unreachable.
#[tokio::test(start_paused = true)]
async fn a_failed_run_is_repeated_soon_while_a_sink_is_unreachable() {
    let worker = FakeWorker::new(0);
    worker.initial.store(true, Ordering::SeqCst);
    let (shared, _may_begin) = started(&worker, &[("file_manager", true), ("mirror", false)]);
    sleep(Duration::from_mins(5)).await;
    assert_eq!(worker.begins(), [0]);
    worker.fail_next.store(1, Ordering::SeqCst);
    worker.set_sink("mirror", true);
    worker.unreachable_for.store(1, Ordering::SeqCst);
    assert!(shared.run_queue.submit(RunRequest::of(CYCLE)).expect("taken").ended().await.is_some());
    sleep(Duration::from_secs(5)).await;
    assert_eq!((worker.begins(), shared.tasks.health()), (vec![0, 300, 301], Health::Healthy));
}
