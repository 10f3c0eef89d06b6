//! The write-ahead log (WAL): a second thread copies committed pages from it into the database (a checkpoint).
//!
//! SQLite restarts the log from its beginning if all of it has been copied when a transaction begins. Under load that never
//! happens by itself, because a newer commit always follows: when the log has grown long, the committing thread copies the rest
//! itself.

use crate::state::database::connection;
use crate::state::error::StateError;
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};
use std::ffi::{CStr, c_int};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// In pages (8 MiB): the thread copies the log into the database each time it has grown by this much.
const PORTION_PAGES: c_int = 2000;
/// In pages (64 MiB): from this length on, each commit copies the rest until the log restarts. Only a long reader (an export) or
/// one large transaction makes it longer.
const MAX_LOG_PAGES: c_int = 16_000;

/// The checkpointing thread.
pub(crate) struct WalCheckpointer(JoinHandle<()>);

impl WalCheckpointer {
    /// Starts the thread for the WAL of a connection.
    pub(crate) fn start(path: &Path, connection: &mut Connection) -> Result<Self, StateError> {
        let beside = connection::open_beside(path)?;
        let (portions, portion) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("state-log".to_owned())
            .spawn(move || {
                while portion.recv() == Ok(()) {
                    reported(checkpoint(&beside));
                }
            })
            .map_err(|error| StateError::file(path, &error))?;
        // The log's length at the last request to the thread.
        let mut handed_over = 0;
        connection.wal_hook(Some(move |log: &mut Wal, pages| {
            if pages < handed_over {
                // The log has restarted.
                handed_over = 0;
            }
            let portion = pages >= handed_over + PORTION_PAGES;
            if pages >= MAX_LOG_PAGES {
                // An error here would be taken for an error of the commit, which has succeeded. The next commit tries again.
                let brought_over = log.checkpoint();
                if portion {
                    handed_over = pages;
                    reported(brought_over);
                }
            } else if portion && portions.try_send(()).is_ok() {
                handed_over = pages;
            }
            Ok(())
        }))?;
        Ok(Self(thread))
    }

    /// Ends the thread. Call it before closing the connection: the last connection to close empties the log and removes it.
    pub(crate) fn end(self, connection: &mut Connection) {
        if let Err(error) = connection.wal_hook(None::<fn(&mut Wal, c_int) -> rusqlite::Result<()>>) {
            // The hook still has its end of the channel, so the thread would wait for ever.
            tracing::warn!(%error, "the thread of the write-ahead log cannot be ended");
            return;
        }
        // A panic of the thread was printed when it happened.
        let _ = self.0.join();
    }
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.wal_checkpoint_v2(None::<&CStr>, CheckpointMode::PASSIVE).map(drop)
}

/// Logs a failed checkpoint. Its pages stay safe in the log: the next checkpoint tries again.
fn reported(brought_over: rusqlite::Result<()>) {
    match brought_over {
        Ok(()) => {}
        // The other thread runs a checkpoint at this moment.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
        Err(error) => tracing::warn!(%error, "the write-ahead log cannot be brought into the database: it grows until it can"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "CREATE TABLE pages (number INTEGER PRIMARY KEY, content BLOB)";
    /// Writes this many pages, from a number on, of 3,000 in all.
    const WRITE: &str = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?1)
                         INSERT OR REPLACE INTO pages SELECT (?2 + n) % 3000, randomblob(4000) FROM n";

    /// A database with an empty table, and the thread of its log.
    fn database(directory: &Path) -> (Connection, WalCheckpointer) {
        let path = directory.join("sync.db");
        let mut connection = connection::open_to_write(&path).expect("a database");
        let log = WalCheckpointer::start(&path, &mut connection).expect("a thread");
        connection.execute_batch(TABLE).expect("a table");
        (connection, log)
    }

    fn bytes_of(path: &Path) -> u64 {
        std::fs::metadata(path).expect("a file").len()
    }

    #[test]
    fn the_log_is_copied_into_the_database_during_commits() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut connection, log) = database(directory.path());
        connection.execute(WRITE, [2500, 0]).expect("written");
        // The thread finishes its current checkpoint first.
        log.end(&mut connection);
        assert!(bytes_of(&directory.path().join("sync.db")) > 4096 * 2500, "nothing was brought over");
        drop(connection);
        assert!(!directory.path().join("sync.db-wal").exists(), "the last to close takes the log away");
    }

    #[test]
    fn under_load_the_log_does_not_grow_beyond_its_bound() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut connection, log) = database(directory.path());
        // Three times the log's limit.
        let mut longest = 0;
        for round in 0..50_000 / 100 {
            connection.execute(WRITE, [100, round * 100]).expect("written");
            longest = longest.max(bytes_of(&directory.path().join("sync.db-wal")));
        }
        assert!(longest < 4096 * 3 / 2 * u64::from(MAX_LOG_PAGES.unsigned_abs()), "{longest} bytes");
        log.end(&mut connection);
    }
}
