//! Draining a queue once.

use super::*;

/// The retry policy of a command, which does not wait for further messages.
pub(super) const ONCE: RetryPolicy = RetryPolicy { attempts: 2, ..ACKNOWLEDGE_RETRY };

#[tokio::test(start_paused = true)]
async fn draining_ends_when_the_queue_is_empty() {
    let (queue, state, _directory) = queue_and_state().await;
    queue.bring(Err(broken()));
    queue.bring(Ok(vec![put("1", "a"), put("2", "b")]));
    queue.bring(Ok(vec![put("3", "c"), nonsense("4")]));
    let reader = reader(&queue, 100);
    assert!(reader.drain(ONCE, &CancellationToken::new()).await.expect("drained"), "it is empty");
    assert_eq!(queue.wait_for_calls(2).await, ["acknowledge 1+2 with 2 stored", "acknowledge 3+4 with 3 stored"]);
    let status = reader.status().borrow().clone();
    assert_eq!((status.messages, status.events, status.dead_letters), (4, 3, 1));
    assert_eq!(state.inbox().events_len().await.expect("counted"), 3);
}

#[tokio::test(start_paused = true)]
async fn draining_ends_when_the_inbox_is_full() {
    let (queue, _, _directory) = queue_and_state().await;
    for _ in 0..5 {
        queue.bring(Ok(vec![put("1", "a"), put("2", "b")]));
    }
    assert!(!reader(&queue, 3).drain(ONCE, &CancellationToken::new()).await.expect("drained"), "it was never empty");
    assert_eq!(queue.incoming.lock().expect("sound").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn draining_a_queue_that_is_never_empty_ends_after_its_limit() {
    let (queue, _, _directory) = queue_and_state().await;
    let busy = queue.clone();
    let bringing = tokio::spawn(async move {
        loop {
            busy.bring(Ok(vec![nonsense("1")]));
            tokio::time::sleep(DRAIN_POLL_WAIT / 2).await;
        }
    });
    let (reader, began) = (reader(&queue, 100), Instant::now());
    assert!(!reader.drain(ONCE, &CancellationToken::new()).await.expect("drained"), "it was never empty");
    bringing.abort();
    assert!(began.elapsed() >= DRAIN_LIMIT, "{:?}", began.elapsed());
    assert!(reader.status().borrow().messages > 0);
}

#[tokio::test(start_paused = true)]
async fn draining_fails_if_the_queue_stays_unreachable_and_ends_at_once_on_a_stop() {
    let (queue, _, _directory) = queue_and_state().await;
    queue.bring(Ok(vec![put("1", "a")]));
    for _ in 0..ONCE.attempts {
        queue.bring(Err(broken()));
    }
    let reader = reader(&queue, 100);
    let error = reader.drain(ONCE, &CancellationToken::new()).await.expect_err("it stays unreachable");
    assert_eq!(error.to_string(), "ReceiveMessage queue: no such queue");
    assert_eq!(queue.wait_for_calls(1).await, ["acknowledge 1 with 1 stored"], "what came before is stored");
    let stop = CancellationToken::new();
    stop.cancel();
    queue.bring(Ok(vec![put("2", "b")]));
    assert!(!reader.drain(ONCE, &stop).await.expect("it ends"));
    assert_eq!(queue.incoming.lock().expect("sound").len(), 1, "nothing more was received");
}
