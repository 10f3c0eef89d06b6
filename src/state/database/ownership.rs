//! The owner of the state: the last process that wrote. Every transaction checks the owner's epoch. The owner also reserves the
//! numbers of observations, so that no other owner stores the same number.
//!
//! One row of `shards` stands for the whole key space. The epoch adds to the instance lock: it refuses a writer that lost the
//! lock without noticing (the lock file was deleted, or the file system does not lock). A process becomes the owner with its
//! first change, so a refused command leaves the file as it was.

use crate::record::ObservationSeq;
use crate::state::database::codec::integer;
use crate::state::error::StateError;
use rusqlite::{Connection, params};
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of observations that an owner reserves at a time. A process that ends gives none back: a million processes still
/// use less than 2^40 numbers.
const RESERVED_AT_ONCE: u64 = 1 << 20;
/// An owner reserves more when fewer than this are left: one statement is enough for half a million observations.
const RESERVED_AT_LEAST: u64 = RESERVED_AT_ONCE / 2;

/// The current owner's epoch, and the end of the reserved numbers.
pub(crate) fn read(connection: &Connection) -> Result<(Ownership, ObservationNumbers), StateError> {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
    let (epoch, reserved) = connection.query_row("SELECT epoch, observations_reserved FROM shards WHERE id = 1", [], row)?;
    let ownership = Ownership { epoch, reserved_at_open: reserved, is_taken: false };
    Ok((ownership, ObservationNumbers { newest: AtomicU64::new(reserved), reserved: AtomicU64::new(reserved) }))
}

/// A writer's epoch, and whether the writer is the owner already.
#[derive(Debug)]
pub(crate) struct Ownership {
    /// The previous owner's epoch until this writer becomes the owner.
    epoch: i64,
    /// The numbers that the previous owner had reserved when the state was opened. This process's observations get numbers from there
    /// on. If the previous owner has reserved more since, they would not be the newest.
    reserved_at_open: u64,
    is_taken: bool,
}

/// The new epoch, valid once the transaction is committed.
#[derive(Clone, Copy)]
#[must_use]
pub(crate) struct Taken(i64);

impl Ownership {
    /// Returns an error if another process has become the owner since, or has reserved more numbers. Runs first in each transaction.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), StateError> {
        let mut statement = connection.prepare_cached("SELECT epoch, observations_reserved FROM shards WHERE id = 1")?;
        let (epoch, reserved): (i64, i64) = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let is_ours = epoch == self.epoch && (self.is_taken || reserved.unsigned_abs() == self.reserved_at_open);
        if is_ours { Ok(()) } else { Err(StateError::Fenced) }
    }

    /// Makes this process the owner, in the first transaction that changes a row and before its commit: each owner's epoch is
    /// greater than the previous one.
    pub(crate) fn take(&self, connection: &Connection) -> Result<Option<Taken>, StateError> {
        if self.is_taken {
            return Ok(None);
        }
        connection.prepare_cached("UPDATE shards SET epoch = epoch + 1 WHERE id = 1")?.execute([])?;
        Ok(Some(Taken(self.epoch + 1)))
    }

    /// The transaction of [`Ownership::take`] is committed.
    pub(crate) fn note_taken(&mut self, taken: Option<Taken>) {
        if let Some(Taken(epoch)) = taken {
            (self.epoch, self.is_taken) = (epoch, true);
        }
    }
}

/// The numbers of observations. **Invariant:** a stored number is below the stored end of the reserved ones.
#[derive(Debug)]
pub(crate) struct ObservationNumbers {
    newest: AtomicU64,
    /// The end of the reserved numbers that is known to be committed.
    reserved: AtomicU64,
}

impl ObservationNumbers {
    /// The next number, greater than every earlier one.
    pub(crate) fn next(&self) -> ObservationSeq {
        ObservationSeq(self.newest.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The newest number in use.
    pub(crate) fn newest(&self) -> ObservationSeq {
        ObservationSeq(self.newest.load(Ordering::Relaxed))
    }

    /// Reserves more numbers if few are left, in the transaction that stores observations. Returns the new end: the caller notes
    /// it after the commit.
    pub(crate) fn reserve(&self, connection: &Connection) -> Result<Option<u64>, StateError> {
        let newest = self.newest.load(Ordering::Relaxed);
        if newest + RESERVED_AT_LEAST < self.reserved.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let reserved = newest + RESERVED_AT_ONCE;
        connection
            .prepare_cached("UPDATE shards SET observations_reserved = max(observations_reserved, ?1) WHERE id = 1")?
            .execute(params![integer(reserved)])?;
        Ok(Some(reserved))
    }

    /// A reservation is committed.
    pub(crate) fn note_reserved(&self, reserved: u64) {
        self.reserved.fetch_max(reserved, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ObjectKey, Observation};
    use crate::state::{RunKind, State};
    use jiff::Timestamp;
    use std::path::Path;

    async fn open(directory: &Path) -> State {
        State::open(&directory.join("sync.db")).await.expect("a state")
    }

    fn absent(seq: ObservationSeq) -> Vec<Observation> {
        vec![Observation { path: ObjectKey::new("a").expect("a key"), facts: None, seq }]
    }

    #[tokio::test]
    async fn a_writer_is_refused_once_another_has_opened_the_state_and_none_of_its_jobs_runs() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(directory.path()).await;
        first.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("it is the owner");
        let second = open(directory.path()).await;
        second.runs().begin(RunKind::Initial, Timestamp::UNIX_EPOCH, 0).await.expect("its first change takes the state over");
        for _ in 0..2 {
            let refused = first.runs().last_number().await.expect_err("it is not the owner any more");
            assert!(matches!(refused, StateError::Fenced), "{refused}");
        }
        let refused = first.source().observations_record(absent(first.source().observation_next())).await.expect_err("not the owner");
        assert!(refused.to_string().contains("another process has changed this state since"), "{refused}");
        drop(first);
        second.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("the owner goes on");
        let rows =
            second.writer.call(|connection| Ok(connection.query_row("SELECT count(*) FROM observed", [], |row| row.get::<_, i64>(0))?));
        assert_eq!(rows.await.expect("read"), 0, "nothing of the former owner is stored");
    }

    #[tokio::test]
    async fn a_process_that_only_reads_does_not_become_the_owner() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(directory.path()).await;
        first.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("it is the owner");
        let second = open(directory.path()).await;
        second.runs().last_number().await.expect("it reads");
        first.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("it is the owner still");
    }

    /// SQLite also counts changes that are rolled back: after a failed job, the next job that only read made its process the owner.
    #[tokio::test]
    async fn a_process_whose_changes_were_all_taken_back_does_not_become_the_owner() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(directory.path()).await;
        first.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("it is the owner");
        let second = open(directory.path()).await;
        let failed = second.writer.call(|connection| {
            connection.execute("INSERT INTO meta (name, value) VALUES ('half', 'done')", [])?;
            Err::<(), _>(StateError::Corrupt("a value".to_owned()))
        });
        failed.await.expect_err("it fails");
        second.runs().last_number().await.expect("it reads");
        first.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("it is the owner still");
    }

    /// Its observations would have numbers that the owner has given to newer ones.
    #[tokio::test]
    async fn a_process_that_has_opened_the_state_before_its_owner_reserved_more_numbers_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(directory.path()).await;
        first.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("it is the owner");
        let second = open(directory.path()).await;
        first.source().observations_record(absent(first.source().observation_next())).await.expect("stored");
        let refused = second.source().observations_record(absent(second.source().observation_next())).await.expect_err("too late");
        assert!(matches!(refused, StateError::Fenced), "{refused}");
    }

    #[tokio::test]
    async fn more_numbers_are_reserved_in_the_transaction_that_stores_one_of_the_last() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = open(directory.path()).await;
        for _ in 0..3 {
            let many = (0..RESERVED_AT_ONCE).map(|_| state.source().observation_next()).max().expect("a number");
            state.source().observations_record(absent(many)).await.expect("stored");
        }
        let newest = state.source().observation_newest();
        drop(state);
        let next = open(directory.path()).await.source().observation_next();
        assert!(newest < next, "{newest:?} {next:?}");
    }
}
