//! The owner of the stored keys: the process that opened the state last. Its epoch is checked by every transaction that writes, and it gives
//! observations numbers that no other owner gives.
//!
//! One row of `shards` is the whole key space. Beside the instance lock the epoch refuses a writer that does not know that it has lost the
//! state: the lock file was deleted, or the file system does not lock.

use crate::record::ObservationSeq;
use crate::state::database::codec::integer;
use crate::state::error::StateError;
use rusqlite::{Connection, TransactionBehavior, params};
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of observations that an owner reserves at a time. A process that ends gives back nothing: the numbers of a million processes
/// still take less than 2^40.
const RESERVED_AT_ONCE: u64 = 1 << 20;
/// More are reserved while this many are left, so that one statement is enough for half a million observations.
const RESERVED_AT_LEAST: u64 = RESERVED_AT_ONCE / 2;

/// The number of an ownership: each owner's is greater than that of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(i64);

/// Makes the caller the owner: every writer of an earlier epoch is refused from now on.
pub(crate) fn take_over(connection: &mut Connection) -> Result<(Epoch, ObservationNumbers), StateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (epoch, reserved): (i64, i64) = transaction.query_row(
        "UPDATE shards SET epoch = epoch + 1, observations_reserved = observations_reserved + ?1 WHERE id = 1
         RETURNING epoch, observations_reserved",
        [integer(RESERVED_AT_ONCE)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    transaction.commit()?;
    let reserved = reserved.unsigned_abs();
    let numbers = ObservationNumbers { newest: AtomicU64::new(reserved - RESERVED_AT_ONCE), reserved: AtomicU64::new(reserved) };
    Ok((Epoch(epoch), numbers))
}

/// True while the owner of this epoch may write.
pub(crate) fn is_current(connection: &Connection, epoch: Epoch) -> Result<bool, rusqlite::Error> {
    let current: i64 = connection.prepare_cached("SELECT epoch FROM shards WHERE id = 1")?.query_row([], |row| row.get(0))?;
    Ok(current == epoch.0)
}

/// The numbers of observations. **Invariant:** a number that is stored is below the reserved ones that are stored.
#[derive(Debug)]
pub(crate) struct ObservationNumbers {
    newest: AtomicU64,
    /// As far as is known to be committed.
    reserved: AtomicU64,
}

impl ObservationNumbers {
    /// The next number, greater than every one that was given before.
    pub(crate) fn next(&self) -> ObservationSeq {
        ObservationSeq(self.newest.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The newest number that was given.
    pub(crate) fn newest(&self) -> ObservationSeq {
        ObservationSeq(self.newest.load(Ordering::Relaxed))
    }

    /// Reserves more in the transaction that stores numbers, where few are left. Returns the new end: the caller notes it once the
    /// transaction is committed.
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
    use crate::state::State;
    use jiff::Timestamp;
    use std::path::Path;

    async fn open(directory: &Path) -> State {
        State::open(&directory.join("sync.db")).await.expect("a state")
    }

    fn absent(look: ObservationSeq) -> Vec<Observation> {
        vec![Observation { path: ObjectKey::new("a").expect("a key"), facts: None, look }]
    }

    #[tokio::test]
    async fn a_writer_is_refused_once_another_has_opened_the_state_and_none_of_its_jobs_runs() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(directory.path()).await;
        first.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("it is the owner");
        let second = open(directory.path()).await;
        for _ in 0..2 {
            let refused = first.runs().last_number().await.expect_err("it is not the owner any more");
            assert!(matches!(refused, StateError::Fenced), "{refused}");
        }
        let refused = first.source().observations_record(absent(first.source().observation_next())).await.expect_err("not the owner");
        assert!(refused.to_string().contains("another process has opened this state since"), "{refused}");
        drop(first);
        second.inbox().gap_note(Timestamp::UNIX_EPOCH).await.expect("the owner goes on");
        let rows =
            second.writer.call(|connection| Ok(connection.query_row("SELECT count(*) FROM observed", [], |row| row.get::<_, i64>(0))?));
        assert_eq!(rows.await.expect("read"), 0, "nothing of the former owner is stored");
    }

    #[tokio::test]
    async fn the_next_owner_gives_no_number_again_whether_or_not_it_was_stored() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(directory.path()).await.source().observation_next();
        let second = open(directory.path()).await.source().observation_next();
        assert!(first < second, "{first:?} {second:?}");
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
