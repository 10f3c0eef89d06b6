//! The inbox: received events that are not consumed yet, in order of arrival. `plan::fold` decides what an event means.

use crate::record::Event;
use crate::record::EventChannel;
use crate::state::database::codec::integer;
use crate::state::error::StateError;
use crate::state::handle::Inbox;
use crate::state::tables::counters;
use crate::state::tables::dead_letters::{self, Poisoned};
use crate::state::tables::inbox::{self, InboxRow, ReceivedAt};
use jiff::Timestamp;
use rusqlite::Connection;

/// One received message or feed item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The source that reported it.
    pub source: EventChannel,
    /// The event, or why it cannot be used: then it becomes a dead letter.
    pub outcome: Result<Event, Poisoned>,
}

/// The result of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveCounts {
    /// Rows of the inbox.
    pub events: u64,
    /// Dead letters.
    pub dead: u64,
}

impl Inbox {
    /// Stores a batch in one transaction and wakes the tasks that wait for arrivals. Once this returns, the batch may be
    /// acknowledged. If the transaction is repeated, its events are stored twice, as if they had been delivered twice.
    pub async fn receive(&self, batch: Vec<Received>, now: Timestamp) -> Result<ReceiveCounts, StateError> {
        let receipt = self.receipt(now);
        let counts = self.state.store(move |connection| store(connection, &batch, receipt)).await?;
        if counts.events > 0 {
            self.state.arrivals.send_replace(());
        }
        Ok(counts)
    }

    /// The moment of receipt of a batch that arrives now.
    pub(crate) fn receipt(&self, at: Timestamp) -> ReceivedAt {
        ReceivedAt { at, newest_observation: self.state.source().observation_newest() }
    }

    /// The number of waiting events, from a counter.
    pub async fn events_len(&self) -> Result<u64, StateError> {
        self.state.writer.call(|connection| counters::count(connection, "inbox")).await
    }

    /// The waiting events after this position, oldest first.
    pub async fn events_batch(&self, after_seq: i64, most: usize) -> Result<Vec<InboxRow>, StateError> {
        self.state.writer.call(move |connection| inbox::batch(connection, after_seq, most)).await
    }

    /// Moves an event that failed too often from the inbox to the dead letters, in one transaction.
    pub async fn event_dead_letter(&self, row: InboxRow, reason: String, message: String) -> Result<(), StateError> {
        self.state
            .writer
            .call(move |connection| {
                if inbox::remove(connection, &[row.seq])? == 0 {
                    return Ok(());
                }
                let InboxRow { source, received_at, event, .. } = row;
                let letter = Poisoned { reason, message, raw: Vec::new() };
                dead_letters::add(connection, (source, received_at), &letter, Some(&event))?;
                dead_letters::make_room(connection)
            })
            .await
    }
}

/// Stores what was received: events in the inbox, the rest among the dead letters.
pub(crate) fn store(connection: &Connection, batch: &[Received], receipt: ReceivedAt) -> Result<ReceiveCounts, StateError> {
    let mut counts = ReceiveCounts::default();
    for Received { source, outcome } in batch {
        match outcome {
            Ok(event) => {
                inbox::add(connection, *source, event, receipt)?;
                counts.events += 1;
            }
            Err(poisoned) => {
                dead_letters::add(connection, (*source, receipt.at), poisoned, None)?;
                counts.dead += 1;
            }
        }
    }
    if counts.dead > 0 {
        dead_letters::make_room(connection)?;
    }
    if counts.events > 0 {
        inbox::count_by(connection, integer(counts.events))?;
    }
    Ok(counts)
}
