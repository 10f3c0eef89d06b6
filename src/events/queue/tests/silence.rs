//! A queue that was not heard for long.

use super::once::ONCE;
use super::*;
use crate::state::{RunKind, RunOutcome};
use jiff::Timestamp;

/// Another time than that of the waits.
#[derive(Debug)]
struct At(Mutex<Timestamp>);

impl Clock for At {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("sound")
    }
}

/// The daemon took four days for the time that any queue keeps its messages, and the end of any run for one of having listened.
#[tokio::test(start_paused = true)]
async fn a_silence_that_is_longer_than_the_queue_keeps_its_messages_is_a_gap() {
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
        let inbox = Inbox { scope: Scope::new("bucket", ""), most: 100, clock: clock.clone() };
        let reader = QueueReader::new(queue.clone(), SourceName::Sqs, state.clone(), inbox);
        let hear = async || reader.drain(ONCE, &CancellationToken::new()).await;
        hear().await.expect("drained");
        assert_eq!((reader.status().borrow().gaps, state.feed_gap().await.expect("read")), (0, None), "never heard before");
        *clock.0.lock().expect("sound") += silence;
        // A run that does not listen, and a queue that is shut, say nothing about it.
        let run = state.begin_run(RunKind::Incremental, clock.now(), 0).await.expect("begun");
        state.end_run(run, RunOutcome::Done, clock.now(), String::new()).await.expect("ended");
        queue.bring(Err(broken()));
        queue.bring(Err(broken()));
        hear().await.expect_err("it is shut");
        assert_eq!(state.feed_gap().await.expect("read"), None, "nothing is lost as long as nobody knows");
        hear().await.expect("drained");
        let noted = gap.then(|| clock.now());
        assert_eq!(
            (reader.status().borrow().gaps, state.feed_gap().await.expect("read")),
            (u64::from(gap), noted),
            "{retention:?} {silence:?}"
        );
        hear().await.expect("drained");
        assert_eq!(reader.status().borrow().gaps, u64::from(gap), "once");
    }
}

/// The time at which the old queue was heard last was taken for the new one's.
#[tokio::test(start_paused = true)]
async fn another_queue_than_was_heard_until_now_is_a_gap() {
    let (_, state, _directory) = queue_and_state().await;
    let hear = async |address| {
        let (queue, ..) = queue_and_state().await;
        let queue = Queue { state: state.clone(), address, ..Arc::into_inner(queue).expect("its only owner") };
        reader(&Arc::new(queue), 100).drain(ONCE, &CancellationToken::new()).await.expect("drained");
        state.feed_gap().await.expect("read").is_some()
    };
    let heard = [hear("old").await, hear("old").await, hear("new").await];
    assert_eq!(heard, [false, false, true]);
    assert!(state.queue_heard().await.expect("read").expect("one").is_of("new"));
}
