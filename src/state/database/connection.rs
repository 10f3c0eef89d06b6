//! Opening the database file: pragmas, file mode, numbered migrations.

use crate::state::database::file;
use crate::state::error::StateError;
use rusqlite::config::DbConfig;
use rusqlite::vtab::array;
use rusqlite::{Connection, OpenFlags};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// The migrations in order; the number of those that ran is the database's `user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_inbox.sql"),
    include_str!("migrations/0003_planes.sql"),
    include_str!("migrations/0004_history.sql"),
    include_str!("migrations/0005_waiting.sql"),
    include_str!("migrations/0006_counting.sql"),
    include_str!("migrations/0007_unheard.sql"),
    include_str!("migrations/0008_sinks.sql"),
    include_str!("migrations/0009_key_encodings.sql"),
    include_str!("migrations/0010_first_skipped.sql"),
];

/// Opens for writing: creates the file and its directory if missing, and migrates the schema.
pub(crate) fn open_to_write(path: &Path) -> Result<Connection, StateError> {
    make_private(path)?;
    let mut connection = Connection::open(path).map_err(|error| StateError::file(path, &error))?;
    set_up(&connection)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal").map_err(|error| StateError::file(path, &error))?;
    connection.pragma_update(None, "synchronous", "full")?;
    // A sink is removed together with its rows, in one transaction: no row needs a foreign key check.
    connection.pragma_update(None, "foreign_keys", false)?;
    // In KiB. Large enough for the pages that a batch of events touches in a state of a million rows, and for the inner B-tree
    // pages, which the next batch touches again.
    connection.pragma_update(None, "cache_size", -32_768)?;
    // SQLite keeps the undo pages of a savepoint in memory. Otherwise it writes them to a file in `/var/tmp`.
    connection.pragma_update(None, "temp_store", "memory")?;
    // More than the program has statements: each is prepared only once.
    connection.set_prepared_statement_cache_capacity(256);
    migrate(path, &mut connection)?;
    Ok(connection)
}

/// Opens a second connection for checkpoints, beside one that [`open_to_write`] opened.
pub(crate) fn open_beside(path: &Path) -> Result<Connection, StateError> {
    let connection = Connection::open(path).map_err(|error| StateError::file(path, &error))?;
    connection.pragma_update(None, "synchronous", "full")?;
    // Before its first read SQLite does not know that there is a WAL, and a checkpoint does nothing, without an error.
    version(&connection).map_err(|error| StateError::file(path, &error))?;
    Ok(connection)
}

/// Opens a second connection that only reads.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, StateError> {
    let (connection, found) = open_as_it_is(path)?;
    if found < known_version() {
        let message = format!("its schema is of version {found}: run a command that writes once, to bring it up to date");
        return Err(StateError::file(path, &message));
    }
    Ok(connection)
}

/// As [`open_to_read`], for any schema version, which is returned, too.
fn open_as_it_is(path: &Path) -> Result<(Connection, i64), StateError> {
    file::must_be_there(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| StateError::file(path, &error))?;
    set_up(&connection)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let found = version(&connection).map_err(|error| StateError::file(path, &error))?;
    if found > known_version() {
        return Err(StateError::TooNew { path: path.to_owned(), found, known: known_version() });
    }
    Ok((connection, found))
}

/// A cached statement keeps its query plan: otherwise SQLite plans some statements again for each new value, which takes longer
/// than running them. Also registers the module that passes many values as one parameter.
fn set_up(connection: &Connection) -> Result<(), StateError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(array::load_module(connection)?)
}

fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("invariant: a handful of migrations")
}

fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), StateError> {
    let found = version(connection).map_err(|error| StateError::file(path, &error))?;
    let Some(missing) = usize::try_from(found).ok().and_then(|done| MIGRATIONS.get(done..)) else {
        return Err(StateError::TooNew { path: path.to_owned(), found, known: known_version() });
    };
    for (number, migration) in (found + 1..).zip(missing) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The database names customers' files, so only its owner may read it. SQLite gives the WAL the mode of the database.
fn make_private(path: &Path) -> Result<(), StateError> {
    file::may_be_opened(path)?;
    file::make_directory(path)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| StateError::file(path, &error))?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(|error| StateError::file(path, &error))?;
    drop(file);
    Ok(())
}

/// Succeeds if a run could open or create the database for writing and the disk has room. Changes nothing: a trial file exists
/// only for a moment.
pub async fn can_be_written(database: &Path) -> Result<(), StateError> {
    let database = database.to_owned();
    blocking(move || {
        file::may_be_opened(&database)?;
        if database.exists() {
            let opened = OpenOptions::new().write(true).open(&database);
            opened.map_err(|error| StateError::file(&database, &format!("cannot be written: {error}")))?;
        }
        file::directory_takes_files(&database)
    })
    .await
}

/// Succeeds if the database exists, is one of ours, and a writer could migrate it where needed. Blocks.
pub(crate) fn can_be_brought_up_to_date(database: &Path) -> Result<(), StateError> {
    open_as_it_is(database).map(drop)
}

/// Runs blocking work outside of the async workers.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, StateError> + Send + 'static) -> Result<T, StateError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StateError::Gone)?
}

#[cfg(test)]
mod version_7_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::params;

    /// Migrates a version 6 state with these rows of `meta`. Returns its queues, whether events may have been missed, and which
    /// runs listed everything.
    fn brought_up_to_date(meta: &[(&str, &str)]) -> (Vec<(String, i64)>, bool, Vec<i64>) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sync.db");
        let old = Connection::open(&path).expect("a database");
        for migration in &MIGRATIONS[..6] {
            old.execute_batch(migration).expect("it runs");
        }
        old.pragma_update(None, "user_version", 6).expect("a number");
        for (name, value) in meta {
            old.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", params![name, value]).expect("a row");
        }
        old.execute_batch(
            "INSERT INTO runs (number, kind, started_at, ended_at, outcome) VALUES
                 (1, 'reconcile', 1, 2, 'partial'), (2, 'reconcile', 3, 4, 'failed'), (3, 'incremental', 5, 6, 'done')",
        )
        .expect("runs");
        drop(old);
        let new = open_to_write(&path).expect("brought up to date");
        let rows = |text: &str| -> Vec<(String, i64)> {
            let mut statement = new.prepare(text).expect("a question");
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("asked");
            rows.collect::<Result<_, _>>().expect("rows")
        };
        let gap = rows("SELECT name, 0 FROM meta WHERE name = 'feed_gap' AND CAST(value AS INTEGER) > 1700000000000000");
        let left = rows("SELECT name, 0 FROM meta WHERE name LIKE 'queue%'");
        assert_eq!(left, [], "its rows of `meta` went into the table");
        let listed = rows("SELECT kind, number FROM runs WHERE listed = 1").into_iter().map(|(_, number)| number).collect();
        (rows("SELECT address, heard_at FROM queues"), !gap.is_empty(), listed)
    }

    #[test]
    fn the_migration_keeps_when_a_queue_was_polled_and_records_a_gap_where_its_address_is_missing() {
        let one = [("queue_address", "http://queue"), ("queue_heard_at", "5")];
        assert_eq!(brought_up_to_date(&one), (vec![("http://queue".to_owned(), 5)], false, vec![1]));
        assert_eq!(brought_up_to_date(&one[1..]), (vec![], true, vec![1]));
        assert_eq!(brought_up_to_date(&[]), (vec![], false, vec![1]));
    }
}
