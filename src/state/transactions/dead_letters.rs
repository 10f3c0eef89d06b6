//! Dead letters: messages that could not be decoded or failed repeatedly, kept until the operator decides.

use crate::state::error::StateError;
use crate::state::handle::Inbox;
use crate::state::tables::counters;
use crate::state::tables::dead_letters::{self, DeadLetter};
use crate::state::transactions::receive::{self, ReceiveCounts, Received};
use jiff::Timestamp;

impl Inbox {
    /// The number of dead letters: a counter.
    pub async fn dead_letters_len(&self) -> Result<u64, StateError> {
        self.state.writer.call(|connection| counters::count(connection, "dead_letters")).await
    }

    /// The number of dead letters, and one reason why a letter could not be used.
    pub async fn dead_letters_summary(&self) -> Result<(u64, Option<String>), StateError> {
        let counter = "dead_letters";
        self.state
            .writer
            .call(move |connection| Ok((counters::count(connection, counter)?, dead_letters::example_message(connection)?)))
            .await
    }

    /// The letters after this id, oldest first.
    pub async fn dead_letters(&self, after: i64, most: usize) -> Result<Vec<DeadLetter>, StateError> {
        self.state.writer.call(move |connection| dead_letters::after_id(connection, after, most)).await
    }

    /// One dead letter.
    pub async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, StateError> {
        self.state.writer.call(move |connection| dead_letters::one(connection, id)).await
    }

    /// Replaces a letter by the result of another attempt to decode it, in one transaction; `None` = the letter no longer exists.
    pub async fn dead_letter_replace(&self, id: i64, by: Vec<Received>, now: Timestamp) -> Result<Option<ReceiveCounts>, StateError> {
        let receipt = self.receipt(now);
        let counts = self
            .state
            .store(move |connection| {
                if !dead_letters::remove(connection, id)? {
                    return Ok(None);
                }
                receive::store(connection, &by, receipt).map(Some)
            })
            .await?;
        if counts.is_some_and(|counts| counts.events > 0) {
            self.state.arrivals.send_replace(());
        }
        Ok(counts)
    }

    /// Deletes a letter; returns whether it existed.
    pub async fn dead_letter_drop(&self, id: i64) -> Result<bool, StateError> {
        self.state.writer.call(move |connection| dead_letters::remove(connection, id)).await
    }
}
