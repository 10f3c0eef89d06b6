//! The writer without its thread, for a simulation: the caller of a job runs it and commits it, alone in its transaction.
//!
//! The thread's grouping (many jobs in one commit) changes when things are stored, never what. A simulation uses this writer
//! because the same seed must give the same history.

use crate::state::database::ownership::Ownership;
use crate::state::error::StateError;
use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs before and after every commit. Other tasks may run first there; in a process that dies, no task passes it any more.
#[async_trait]
pub trait CommitGate: Send + Sync {
    /// The job has not run.
    async fn before_commit(&self);
    /// The job is stored. Its caller has not received the result.
    async fn after_commit(&self);
}

/// A connection that any caller may use.
pub(crate) struct DirectWriter {
    connection: Mutex<(Connection, Ownership)>,
    gate: Arc<dyn CommitGate>,
}

impl DirectWriter {
    pub(crate) fn new(connection: Connection, ownership: Ownership, gate: Arc<dyn CommitGate>) -> Self {
        Self { connection: Mutex::new((connection, ownership)), gate }
    }

    /// Like the thread: a job that fails leaves no trace.
    pub(crate) async fn call<T: Send>(&self, work: impl FnOnce(&Connection) -> Result<T, StateError> + Send) -> Result<T, StateError> {
        self.gate.before_commit().await;
        let outcome = self.commit(work)?;
        self.gate.after_commit().await;
        outcome
    }

    fn commit<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StateError>) -> Result<Result<T, StateError>, StateError> {
        let mut locked = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, ownership) = &mut *locked;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        ownership.check(&transaction)?;
        let before = transaction.total_changes();
        let outcome = work(&transaction);
        match outcome {
            Ok(_) => {
                let taken = if transaction.total_changes() == before { None } else { ownership.take(&transaction)? };
                transaction.commit().map_err(StateError::of_commit)?;
                ownership.note_taken(taken);
            }
            Err(_) => transaction.finish()?,
        }
        Ok(outcome)
    }
}
