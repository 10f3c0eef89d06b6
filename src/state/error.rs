//! The errors of the state. No SQLite type leaves this module.

use crate::record::{EmptyKey, SinkName};
use rusqlite::ErrorCode;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// A failure of the state.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// An error message of SQLite. Nothing of the transaction is stored.
    #[error("database: {0}")]
    Database(String),
    /// Another program has kept the database locked for longer than a transaction waits. The transaction did not run.
    #[error("database: {0}, by another program: end that program, or wait until it is done")]
    Unreachable(String),
    /// The disk is full. Nothing of the transaction is stored.
    #[error("database: {0}")]
    Full(String),
    /// The commit failed, and it is not known whether the transaction is stored. It may be repeated.
    #[error("database: {0}; it is not known if the last changes are stored: the next run finds out")]
    Unknown(String),
    /// The file is damaged, or is no database.
    #[error("database: {0}")]
    Damaged(String),
    /// The file cannot be opened, created or used.
    #[error("database {path}: {message}")]
    File {
        /// The file's path.
        path: PathBuf,
        /// The problem.
        message: String,
    },
    /// The path is a directory, or a device.
    #[error("database {path}: this is not a file: correct DATABASE_PATH, which names the database itself, for example data/sync.db")]
    NotAFile {
        /// The configured path.
        path: PathBuf,
    },
    /// A newer program created it.
    #[error("database {path} has schema version {found}, this program knows {known}: use the program that wrote it, or a newer one")]
    TooNew {
        /// The file's path.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Another process has the lock.
    #[error("the database is in use by {0}")]
    Held(Holder),
    /// The state describes another source or other sinks than the configuration. Nothing was changed.
    #[error("{0}")]
    OtherIdentity(String),
    /// The state describes other sinks than the named one.
    #[error("this state has no sink {0}; it has {1}")]
    UnknownSink(SinkName, String),
    /// An impossible stored value: another program has changed the file.
    #[error("database: a stored value is not what it should be: {0}")]
    Corrupt(String),
    /// Another process has opened the state for writing since. This process stores nothing more.
    #[error("another process has changed this state since this one opened it: nothing more is written to it")]
    Fenced,
    /// The writer thread has ended.
    #[error("the database is closed")]
    Gone,
}

/// The holder of the lock, as it recorded itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// The holder's host: in containers each process has the id 1, and this is the container's id. Empty = unknown.
    #[serde(default)]
    pub host: String,
    /// The command that it runs.
    pub command: String,
    /// The time when it took the lock, ISO-8601.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f.write_str("another process");
        }
        let on = if self.host.is_empty() { "" } else { " on " };
        let host = self.host.escape_debug();
        write!(f, "process {}{on}{host} (s3-sync {}, since {})", self.pid, self.command.escape_debug(), self.since.escape_debug())
    }
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Unreachable,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            _ => Self::Database,
        };
        kind(error.to_string())
    }
}

/// A row whose path is empty, which no object key is.
impl From<EmptyKey> for StateError {
    fn from(error: EmptyKey) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl StateError {
    /// The error of a failed commit. SQLite rolls the transaction back, but a failing disk may have stored it.
    pub(crate) fn of_commit(error: rusqlite::Error) -> Self {
        match Self::from(error) {
            Self::Database(message) => Self::Unknown(message),
            known => known,
        }
    }

    /// Adds the database's path where SQLite's message lacks it, and a remedy if the file is damaged.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        const DAMAGED: [&str; 2] = ["malformed", "not a database"];
        const REMEDY: &str = "put a backup of it back, or move it away: initial-sync then starts over";
        const PERMISSION: &str = "this user needs write permission for it and its directory, also to read: SQLite keeps files beside it";
        let (path, message) = match self {
            Self::Database(message) | Self::Full(message) | Self::Damaged(message) | Self::Corrupt(message) => (path.to_owned(), message),
            Self::Unreachable(_) | Self::Unknown(_) => {
                let message = self.to_string();
                (path.to_owned(), message.trim_start_matches("database: ").to_owned())
            }
            Self::File { path, message } => (path, message),
            other => return other,
        };
        let message = if DAMAGED.iter().any(|words| message.ends_with(words)) {
            format!("{message}: {REMEDY}")
        } else if message.ends_with("readonly database") {
            format!("{message}: {PERMISSION}")
        } else {
            message
        };
        Self::File { path, message }
    }

    /// A failure of the file itself.
    pub(crate) fn file(path: &Path, message: &dyn fmt::Display) -> Self {
        Self::File { path: path.to_owned(), message: message.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_error_carries_a_hint_for_the_operator() {
        for (words, remedy) in [
            ("file is not a database", "put a backup of it back"),
            ("attempt to write a readonly database", "write permission for it and its directory"),
        ] {
            for error in [StateError::Database(words.to_owned()), StateError::file(Path::new("s.db"), &words)] {
                let message = error.at(Path::new("s.db")).to_string();
                assert!(message.starts_with("database s.db: ") && message.contains(words) && message.contains(remedy), "{message}");
            }
        }
    }
}
