//! The write-ahead log: what is committed comes out of it into the database in a thread of its own, beside the one that commits.
//!
//! SQLite begins the log anew once all of it has been brought over and a transaction begins. Under load that moment never comes by
//! itself, for there is always a commit that is newer than what is being brought over: where the log has become long, the thread
//! that commits brings over the rest itself.

use super::{StateError, schema};
use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
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
        if pages >= LOG_PAGES_MOST {
            // An error would be taken for one of the commit, which has happened. Where the thread is at it just now, it is for the next.
            let _ = log.checkpoint();
        }
        // It has begun anew.
        if pages < brought {
            brought = 0;
        }
        // Where the thread has not done with one portion, the next commit asks again.
        if pages >= brought + PORTION_PAGES && portions.try_send(()).is_ok() {
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
