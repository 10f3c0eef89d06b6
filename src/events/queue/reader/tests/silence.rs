//! A queue that was not polled for long.

use super::once::ONCE;
use super::*;
use crate::state::{RunKind, RunOutcome};
use jiff::Timestamp;

/// A clock independent of the timers.
#[derive(Debug)]
struct At(Mutex<Timestamp>);

impl Clock for At {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("sound")
    }
}

/// The daemon assumed a retention of four days for every queue, and counted the end of any run as a poll.
#[tokio::test(start_paused = true)]
async fn a_queue_not_polled_for_longer_than_its_retention_is_a_gap() {
    let (minutes, days) = (SignedDuration::from_mins, |days: i64| SignedDuration::from_hours(24 * days));
    for (retention, silence, gap) in [
        (Some(minutes(1)), SignedDuration::from_secs(50), false),
        (Some(minutes(5)), minutes(4), false),
        (Some(minutes(5)), minutes(6), true),
        (Some(days(14)), days(13), false),
        (Some(days(14)), days(15), true),
        (None, days(3), false),
        (None, days(5), true),
    ] {
        let (queue, state, _directory) = queue_that_keeps(retention).await;
        let clock = Arc::new(At(Mutex::new(Timestamp::UNIX_EPOCH)));
        let inbox = InboxLimits { scope: Scope::new("bucket", ""), max_events: 100, clock: clock.clone() };
        let reader = QueueReader::new(queue.clone(), EventChannel::Sqs, state.clone(), inbox);
        let poll = async || reader.drain(ONCE, &CancellationToken::new()).await;
        poll().await.expect("drained");
        assert_eq!((reader.status().borrow().gaps, state.inbox().gap().await.expect("read")), (0, None), "never polled before");
        *clock.0.lock().expect("sound") += silence;
        // Neither a run that does not poll nor an unreachable queue counts as a poll.
        let run = state.runs().begin(RunKind::Incremental, clock.now(), 0).await.expect("begun");
        state.runs().end(run, RunOutcome::Done, clock.now(), String::new()).await.expect("ended");
        queue.bring(Err(broken()));
        queue.bring(Err(broken()));
        poll().await.expect_err("it is unreachable");
        assert_eq!(state.inbox().gap().await.expect("read"), None, "no gap is known yet");
        poll().await.expect("drained");
        let noted = gap.then(|| clock.now());
        assert_eq!(
            (reader.status().borrow().gaps, state.inbox().gap().await.expect("read")),
            (u64::from(gap), noted),
            "{retention:?} {silence:?}"
        );
        poll().await.expect("drained");
        assert_eq!(reader.status().borrow().gaps, u64::from(gap), "once");
    }
}

/// The last poll of the old queue counted as one of the new queue.
#[tokio::test(start_paused = true)]
async fn each_queue_has_its_own_time_of_the_last_poll() {
    let (_, state, _directory) = queue_and_state().await;
    let clock = Arc::new(At(Mutex::new(Timestamp::UNIX_EPOCH)));
    let poll = async |address| {
        let (queue, ..) = queue_that_keeps(Some(SignedDuration::from_mins(5))).await;
        let queue = Queue { state: state.clone(), address, ..Arc::into_inner(queue).expect("its only owner") };
        let inbox = InboxLimits { scope: Scope::new("bucket", ""), max_events: 100, clock: clock.clone() };
        let reader = QueueReader::new(Arc::new(queue), EventChannel::Sqs, state.clone(), inbox);
        reader.drain(ONCE, &CancellationToken::new()).await.expect("drained");
        state.inbox().gap().await.expect("read").is_some()
    };
    assert_eq!([poll("one").await, poll("other").await], [false, false]);
    for _ in 0..3 {
        *clock.0.lock().expect("sound") += SignedDuration::from_mins(3);
        assert!(!poll("one").await, "it was never silent for long");
    }
    assert!(poll("other").await, "it was, for nine minutes");
}

/// Messages left in a queue that is no longer polled are lost. The gap is noted once, even if the next queue never responds.
#[tokio::test]
async fn a_replaced_queue_is_a_gap_once() {
    let (_, state, _directory) = queue_and_state().await;
    let at = |second| Timestamp::from_second(second).expect("a time");
    let poll_queues = async |addresses: &[&str], second| {
        let left = state.inbox().queues_set(addresses.iter().map(|address| (*address).to_owned()).collect(), at(second)).await;
        (left.expect("stored"), state.inbox().gap().await.expect("read"))
    };
    assert_eq!(poll_queues(&["a", "b"], 1).await, (vec![], None), "none was polled");
    for address in ["a", "b"] {
        state.inbox().queue_note_polled(address, at(2)).await.expect("noted");
    }
    assert_eq!(poll_queues(&["a", "b", "c"], 3).await, (vec![], None), "one more takes nothing away");
    assert_eq!(poll_queues(&["b", "c"], 4).await, (vec!["a".to_owned()], Some(at(4))));
    assert_eq!(poll_queues(&["b", "c"], 5).await, (vec![], Some(at(4))), "once");
    assert_eq!(poll_queues(&["a"], 6).await, (vec!["b".to_owned()], Some(at(6))));
    assert_eq!(state.inbox().queue_last_polled("a").await.expect("read"), Some(at(2)), "configured again, its last poll is known");
    assert_eq!(poll_queues(&["b"], 7).await, (vec!["a".to_owned()], Some(at(7))), "and can be left again");
}
