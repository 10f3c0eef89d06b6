//! The write-ahead log: what is committed comes out of it into the database in a thread of its own, beside the one that commits.
//!
//! SQLite begins the log anew once all of it has been brought over and a transaction begins. Under load that moment never comes by
//! itself, for there is always a commit that is newer than what is being brought over: where the log has become long, the thread
//! that commits brings over the rest itself.

use super::{StateError, schema};
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};
use std::ffi::CStr;
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// In pages, 8 MiB: when so much was added to the log, it is brought over.
const PORTION_PAGES: i32 = 2000;
/// In pages, 64 MiB: a log of this length is emptied before anything else is committed.
const LOG_PAGES_MOST: i32 = 16_000;

/// Starts the thread for the log of a connection. It ends when that is closed.
pub(super) fn bring_over(path: &Path, connection: &mut Connection) -> Result<JoinHandle<()>, StateError> {
    let beside = schema::open_to_bring_over(path)?;
    let (portions, portion) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name("state-log".to_owned())
        .spawn(move || {
            while portion.recv() == Ok(()) {
                bring_over_now(&beside);
            }
        })
        .map_err(|error| StateError::file(path, &error))?;
    let mut brought = 0;
    connection.wal_hook(Some(move |log: &mut Wal, pages| {
        if pages < brought {
            // It has begun anew.
            brought = 0;
        }
        if pages >= LOG_PAGES_MOST {
            // Where that fails, or the thread is at it just now, the next commit does it. (Whoever committed this one would take an
            // error for one of the commit, which has happened.)
            let _ = log.checkpoint();
        } else if pages >= brought + PORTION_PAGES && portions.try_send(()).is_ok() {
            brought = pages;
        }
        Ok(())
    }))?;
    Ok(thread)
}

/// What cannot be brought over now stays in the log, where it is as safe: the next portion tries again.
fn bring_over_now(connection: &Connection) {
    match connection.wal_checkpoint_v2(None::<&CStr>, CheckpointMode::PASSIVE) {
        Ok(_) => {}
        // The thread that commits is at it.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
        Err(error) => tracing::warn!(%error, "the write-ahead log cannot be brought into the database: it grows until it can"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_load_the_log_is_brought_over_and_does_not_grow_beyond_its_bound() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sync.db");
        let mut connection = schema::open_to_write(&path).expect("a database");
        let thread = bring_over(&path, &mut connection).expect("a thread");
        connection.execute_batch("CREATE TABLE pages (number INTEGER PRIMARY KEY, content BLOB)").expect("a table");
        let length = |path: &Path| std::fs::metadata(path).expect("a file").len();
        // The same 3,000 pages again and again: three times as many as the log may hold.
        let mut longest = 0;
        for round in 0..50_000 / 100 {
            let write = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99)
                         INSERT OR REPLACE INTO pages SELECT (?1 * 100 + n) % 3000, randomblob(4000) FROM n";
            connection.execute(write, [round]).expect("written");
            longest = longest.max(length(&directory.path().join("sync.db-wal")));
        }
        assert!(longest < 4096 * 3 / 2 * u64::from(LOG_PAGES_MOST.unsigned_abs()), "{longest} bytes");
        assert!(length(&path) > 4096 * 3000, "nothing was brought over");
        drop(connection);
        thread.join().expect("it ends with the connection");
        assert!(!directory.path().join("sync.db-wal").exists(), "both are closed");
    }
}
