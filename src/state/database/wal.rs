//! The write-ahead log: a thread of its own, beside the one that commits, copies committed pages from it into the database.
//!
//! SQLite begins the log anew once all of it has been brought over and a transaction begins. Under load that moment never comes by
//! itself, for there is always a commit that is newer than what is being brought over: where the log has become long, the thread
//! that commits brings over the rest itself.

use crate::state::database::connection;
use crate::state::error::StateError;
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};
use std::ffi::{CStr, c_int};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// In pages, 8 MiB: when so much was added to the log, the thread copies it into the database.
const PORTION_PAGES: c_int = 2000;
/// In pages, 64 MiB: from here on each commit copies the rest, until the log can begin anew. Only a long reader
/// (an export), or one large transaction, makes it longer.
const MAX_LOG_PAGES: c_int = 16_000;

/// The thread beside the one that commits.
pub(crate) struct WalCheckpointer(JoinHandle<()>);

impl WalCheckpointer {
    /// Starts the thread for the log of a connection.
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
        // The log's length when a portion was handed over last.
        let mut handed_over = 0;
        connection.wal_hook(Some(move |log: &mut Wal, pages| {
            if pages < handed_over {
                // The log has begun anew.
                handed_over = 0;
            }
            let portion = pages >= handed_over + PORTION_PAGES;
            if pages >= MAX_LOG_PAGES {
                // The committer would take an error for one of the commit, which has succeeded. The next commit tries again.
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

    /// Ends the thread. The caller closes the connection after it: the last one to close empties the log and removes it.
    pub(crate) fn end(self, connection: &mut Connection) {
        if let Err(error) = connection.wal_hook(None::<fn(&mut Wal, c_int) -> rusqlite::Result<()>>) {
            // The thread waits for the hook's end of the channel, which stays.
            tracing::warn!(%error, "the thread of the write-ahead log cannot be ended");
            return;
        }
        // A panic of it was printed when it happened.
        let _ = self.0.join();
    }
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.wal_checkpoint_v2(None::<&CStr>, CheckpointMode::PASSIVE).map(drop)
}

/// Reports a failed checkpoint. Pages that cannot be copied stay safe in the log: the next portion tries again.
fn reported(brought_over: rusqlite::Result<()>) {
    match brought_over {
        Ok(()) => {}
        // The other thread is at it.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
        Err(error) => tracing::warn!(%error, "the write-ahead log cannot be brought into the database: it grows until it can"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "CREATE TABLE pages (number INTEGER PRIMARY KEY, content BLOB)";
    /// Writes so many pages from a number on, of 3,000 in all.
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
    fn a_portion_is_brought_over_beside_the_commits() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut connection, log) = database(directory.path());
        connection.execute(WRITE, [2500, 0]).expect("written");
        // The thread ends with its current portion.
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
