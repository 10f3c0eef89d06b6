//! The writer without its thread, for a simulation: whoever brings a job runs it and commits it, alone in its transaction.
//!
//! What the thread adds (many jobs in one commit, at its own pace) changes when things are stored and never what: a
//! simulation that wants the same seed to give the same history takes this in its place.

use crate::state::error::StateError;
use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior};
use std::sync::{Arc, Mutex, PoisonError};

/// Stands before and behind every commit. There others may go first; and where a process dies, nobody comes through any more.
#[async_trait]
pub trait CommitGate: Send + Sync {
    /// Nothing of the job has happened.
    async fn before_commit(&self);
    /// The job is stored, and whoever brought it has not heard of it.
    async fn after_commit(&self);
}

/// A connection that whoever comes may use.
pub(crate) struct DirectWriter {
    connection: Mutex<Connection>,
    gate: Arc<dyn CommitGate>,
}

impl DirectWriter {
    pub(crate) fn new(connection: Connection, gate: Arc<dyn CommitGate>) -> Self {
        Self { connection: Mutex::new(connection), gate }
    }

    /// As the thread would: a job that fails leaves no trace.
    pub(crate) async fn call<T: Send>(&self, work: impl FnOnce(&Connection) -> Result<T, StateError> + Send) -> Result<T, StateError> {
        self.gate.before_commit().await;
        let outcome = self.commit(work)?;
        self.gate.after_commit().await;
        outcome
    }

    fn commit<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StateError>) -> Result<Result<T, StateError>, StateError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = work(&transaction);
        match outcome {
            Ok(_) => transaction.commit()?,
            Err(_) => transaction.finish()?,
        }
        Ok(outcome)
    }
}
