//! The queue reader: stores the events of an [`EventQueue`] in the inbox, continuously, or once until the queue is empty.
//!
//! **Invariant:** the reader acknowledges a message only after its events are committed. The queue delivers an unacknowledged message
//! again, and a repeated event does no harm.

use super::event_queue::{EventQueue, Message, MessageReceipt, QueueError, StepError};
use crate::clock::Clock;
use crate::events::decode::Scope;
use crate::events::receive::notified;
use crate::mutant;
use crate::record::EventChannel;
use crate::retry::RetryPolicy;
use crate::run::{IgnoredEvents, SourceStatus};
use crate::state::{ReceiveCounts, State, StateError};
use crate::telemetry;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The time that a poll waits for the first message: SQS's maximum.
const POLL_WAIT: Duration = Duration::from_secs(20);

/// The same while draining: the shortest time for which SQS queries all servers of the queue, so that an empty response means an empty
/// queue.
const DRAIN_POLL_WAIT: Duration = Duration::from_secs(1);

/// The time limit for draining a queue before the run does its own work.
const DRAIN_LIMIT: Duration = Duration::from_mins(1);

/// SQS's shortest retention. After a shorter time without a poll no message is lost, and the reader need not query the retention.
const MIN_RETENTION: SignedDuration = SignedDuration::from_mins(1);

/// SQS's default retention, used if the queue's retention cannot be queried.
const DEFAULT_RETENTION: SignedDuration = SignedDuration::from_hours(4 * 24);

/// The interval at which the reader checks whether a full inbox has room again.
const FULL_INBOX_RECHECK: Duration = Duration::from_secs(1);

/// The time that the reader has after a stop to store and acknowledge received messages.
const FINISH_GRACE: Duration = Duration::from_secs(2);

/// The waits between attempts at an unreachable queue. Their number is not limited.
const UNREACHABLE_RETRY: RetryPolicy = RetryPolicy {
    attempts: usize::MAX,
    base: Duration::from_secs(1),
    max_wait: Duration::from_mins(1),
    budget: Duration::from_hours(24 * 365 * 100),
};

/// The attempts to acknowledge. After the last one, the queue delivers the messages again.
const ACKNOWLEDGE_RETRY: RetryPolicy =
    RetryPolicy { attempts: 4, base: Duration::from_millis(250), max_wait: Duration::from_secs(2), budget: Duration::from_secs(10) };

/// The reader of one queue.
pub struct QueueReader {
    queue: Arc<dyn EventQueue>,
    channel: EventChannel,
    state: State,
    inbox: InboxLimits,
    status: watch::Sender<SourceStatus>,
}

/// The limits of what the reader stores in the inbox.
#[derive(Clone)]
pub struct InboxLimits {
    /// Selects the events of the synced bucket and prefix.
    pub scope: Scope,
    /// The number of events in the inbox from which on none are received.
    pub max_events: u64,
    /// The clock, for the times of receipt.
    pub clock: Arc<dyn Clock>,
}

impl QueueReader {
    /// Creates a reader. It receives nothing yet.
    pub fn new(queue: Arc<dyn EventQueue>, channel: EventChannel, state: State, inbox: InboxLimits) -> Self {
        Self { queue, channel, state, inbox, status: watch::Sender::default() }
    }

    /// Watches the reader's status.
    pub fn status(&self) -> watch::Receiver<SourceStatus> {
        self.status.subscribe()
    }

    /// Receives until `stop` is cancelled. Retries an unreachable queue and shows it in the status.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut attempts = UNREACHABLE_RETRY.begin();
        loop {
            let received = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                received = self.next() => received,
            };
            let stored = match received {
                Ok(messages) => match self.finish(messages, stop).await {
                    Some(stored) => stored,
                    None => return,
                },
                Err(error) => Err(error),
            };
            let Err(error) = stored else {
                attempts = UNREACHABLE_RETRY.begin();
                continue;
            };
            self.report_unreachable(&error);
            let wait = attempts.next_wait(&error).unwrap_or(UNREACHABLE_RETRY.max_wait);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Receives the waiting messages until the queue is empty, the inbox is full, `DRAIN_LIMIT` has passed, or `stop` is cancelled. The
    /// time limit is needed because a busy queue is never empty, and a queue that refuses acknowledgements delivers the same messages
    /// again. Returns true if the queue was empty. The status has the counts.
    pub async fn drain(&self, retry: RetryPolicy, stop: &CancellationToken) -> Result<bool, StepError> {
        let until = Instant::now() + DRAIN_LIMIT;
        while Instant::now() < until {
            if self.is_inbox_full().await? {
                return Ok(false);
            }
            let messages = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(false),
                received = retry.run(|| self.queue.receive(DRAIN_POLL_WAIT)) => received?,
            };
            let nothing_waits = messages.is_empty();
            match self.finish(messages, stop).await {
                Some(stored) => stored?,
                None => return Ok(false),
            }
            if nothing_waits {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Stores and acknowledges messages, also after a stop; `None` = `FINISH_GRACE` has passed since the stop, and the messages were
    /// released. The queue then also delivers the stored ones again, which does no harm.
    async fn finish(&self, messages: Vec<Message>, stop: &CancellationToken) -> Option<Result<(), StepError>> {
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
        let stored = async {
            self.store_and_acknowledge(messages).await?;
            Ok(self.record_poll().await?)
        };
        let out_of_grace = async {
            stop.cancelled().await;
            tokio::time::sleep(FINISH_GRACE).await;
        };
        tokio::select! {
            biased;
            stored = stored => Some(stored),
            () = out_of_grace => {
                if tokio::time::timeout(FINISH_GRACE, self.release(receipts)).await.is_err() {
                    tracing::warn!("unfinished messages are delivered again after their visibility timeout: the queue does not respond");
                }
                None
            }
        }
    }

    /// Makes messages visible again at once. If that fails, they become visible after their visibility timeout.
    async fn release(&self, receipts: Vec<MessageReceipt>) {
        if let Err(error) = self.queue.release(receipts).await {
            tracing::warn!(%error, "unfinished messages are delivered again after their visibility timeout");
        }
    }

    /// Receives the next messages, once the inbox has room.
    async fn next(&self) -> Result<Vec<Message>, StepError> {
        while self.is_inbox_full().await? {
            tokio::time::sleep(FULL_INBOX_RECHECK).await;
        }
        let messages = self.queue.receive(POLL_WAIT).await?;
        let was_unreachable = self.update_status(|status| status.unreachable.take().is_some());
        if was_unreachable {
            tracing::info!(queue = self.queue.address(), "the queue is reachable again");
        }
        Ok(messages)
    }

    /// Records a successful poll. If the last one was longer ago than the queue keeps messages, records an event gap: only a listing finds
    /// the changes whose events were lost.
    async fn record_poll(&self) -> Result<(), StateError> {
        let now = self.inbox.clock.now();
        let queue = self.queue.address();
        let silence = self.state.inbox().queue_last_polled(queue).await?.map_or(SignedDuration::ZERO, |last| now.duration_since(last));
        if silence > MIN_RETENTION && silence > self.queue.retention().await.unwrap_or(DEFAULT_RETENTION) {
            tracing::warn!(queue, %silence, "messages may be lost: the queue was not polled for longer than it keeps them");
            self.state.inbox().gap_note(now).await?;
            self.update_status(|status| {
                status.gaps += 1;
                true
            });
        }
        self.state.inbox().queue_note_polled(queue, now).await?;
        self.update_status(|status| status.last_polled_at.replace(now) != Some(now));
        Ok(())
    }

    async fn is_inbox_full(&self) -> Result<bool, StateError> {
        let full = self.state.inbox().events_len().await? >= self.inbox.max_events;
        self.update_status(|status| std::mem::replace(&mut status.inbox_full, full) != full);
        Ok(full)
    }

    async fn store_and_acknowledge(&self, messages: Vec<Message>) -> Result<(), StepError> {
        if messages.is_empty() {
            return Ok(());
        }
        let (mut batch, mut ignored) = (Vec::new(), IgnoredEvents::default());
        for message in &messages {
            let notified = notified(self.channel, message.body.as_bytes(), &self.inbox.scope);
            batch.extend(notified.batch);
            ignored = ignored.and(notified.ignored);
        }
        let receipts: Vec<_> = messages.into_iter().map(|message| message.receipt).collect();
        if mutant::is("a_message_is_acknowledged_before_its_commit") {
            self.acknowledge(receipts.clone()).await;
        }
        let (arrived, now) = (receipts.len() as u64, self.inbox.clock.now());
        let stored = if batch.is_empty() { Ok(ReceiveCounts::default()) } else { self.state.inbox().receive(batch, now).await };
        let counts = match stored {
            Ok(counts) => counts,
            Err(error) => {
                self.release(receipts).await;
                return Err(error.into());
            }
        };
        telemetry::metrics().events(self.channel.as_str(), counts.events);
        self.update_status(|status| {
            status.messages += arrived;
            status.events += counts.events;
            status.dead_letters += counts.dead;
            status.ignored = std::mem::take(&mut status.ignored).and(ignored);
            status.last_message_at = Some(now);
            true
        });
        self.acknowledge(receipts).await;
        Ok(())
    }

    /// Acknowledges messages, with retries. The queue delivers a message that is not acknowledged again.
    async fn acknowledge(&self, mut receipts: Vec<MessageReceipt>) {
        let mut attempts = ACKNOWLEDGE_RETRY.begin();
        loop {
            let error = match self.queue.acknowledge(receipts.clone()).await {
                Ok(refused) if refused.is_empty() => return,
                Ok(refused) => {
                    receipts = refused;
                    let (address, message) = (self.queue.address().to_owned(), format!("{} messages were refused", receipts.len()));
                    QueueError { call: "acknowledge", address, message }
                }
                Err(error) => error,
            };
            let Some(wait) = attempts.next_wait(&error) else {
                tracing::warn!(%error, "stored messages cannot be acknowledged: they will be delivered again");
                return;
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn report_unreachable(&self, error: &StepError) {
        let (words, now) = (error.to_string(), self.inbox.clock.now());
        let changed = self.update_status(|status| {
            let since = status.unreachable.as_ref().map_or(now, |(_, since)| *since);
            let unreachable = Some((words, since));
            std::mem::replace(&mut status.unreachable, unreachable.clone()) != unreachable
        });
        if changed {
            tracing::warn!(queue = self.queue.address(), %error, "the queue is unreachable; it is retried");
        }
    }

    /// Changes the status. `change` returns true if the watchers must be notified.
    fn update_status(&self, change: impl FnOnce(&mut SourceStatus) -> bool) -> bool {
        self.status.send_if_modified(change)
    }
}

#[cfg(test)]
mod tests;
