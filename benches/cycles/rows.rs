//! Creates a state with many rows in one transaction: every file is in the bucket and, with the same content, in the file
//! manager.

use anyhow::{Result, ensure};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use s3_sync::record::ObjectKey;
use s3_sync::state::{Identity, NamedSink, OperatorAnswer, State};
use std::path::Path;

/// The length of the shortest file. The others are up to twice as long.
pub(crate) const LEAST_BYTES: u64 = 100;

/// The key of a row.
pub(crate) fn key(row: u64) -> ObjectKey {
    ObjectKey::new(format!("customers/{:03}/documents/{row:08}.pdf", row / 10_000)).expect("not empty")
}

/// The `ETag` of a row's object.
pub(crate) fn etag(row: u64) -> String {
    format!("{:016x}{row:016x}", scattered(row))
}

/// The length of a row's object.
pub(crate) fn bytes(row: u64) -> u64 {
    LEAST_BYTES + row % LEAST_BYTES
}

/// Spreads ETags, so that one does not follow from the one before.
fn scattered(row: u64) -> u64 {
    row * 2_654_435_761 % (1 << 40)
}

/// Creates the database: the state's own schema, and `rows` files.
pub(crate) async fn fill(database: &Path, rows: u64) -> Result<()> {
    let state = State::open(database).await?;
    let identity = Identity { source: "bench".to_owned(), sinks: vec![NamedSink::file_manager("bench")] };
    state.identify(identity, OperatorAnswer::default(), Timestamp::now()).await?;
    drop(state);
    let mut connection = Connection::open(database)?;
    // A fixture need not survive a crash of the machine.
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "cache_size", -262_144)?;
    let transaction = connection.transaction()?;
    transaction.execute(
        "WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < ?1)
         INSERT INTO observed (source, path, look, present, size, etag, last_modified, storage_class)
         SELECT 1, printf('customers/%03d/documents/%08d.pdf', n / 10000, n), 1, 1, ?2 + n % ?2,
                printf('%016x%016x', n * 2654435761 % 1099511627776, n), 1700000000000000 + n * 1000000, 'STANDARD'
         FROM number ORDER BY n",
        [i64::try_from(rows)?, i64::try_from(LEAST_BYTES)?],
    )?;
    transaction.execute(
        "INSERT INTO applied (sink, path, confirmed, size, etag, last_modified, storage_class, file_type, handle, permissions, owner, owner_group)
         SELECT 1, path, 1, size, etag, last_modified, storage_class, 'application/pdf',
                printf('%s-%s-%s-%s-%s', substr(etag, 1, 8), substr(etag, 9, 4), substr(etag, 13, 4), substr(etag, 17, 4), substr(etag, 21)),
                'rw-r--r--', 'user', 'users'
         FROM observed ORDER BY path",
        [],
    )?;
    transaction.execute_batch(
        "UPDATE shards SET observations_reserved = 1;
         UPDATE sources SET initial_completed_by = 1;
         INSERT INTO runs (number, kind, started_at, ended_at, outcome) VALUES (1, 'initial', 0, 0, 'done');",
    )?;
    transaction.commit()?;
    connection.execute_batch("PRAGMA synchronous = full; PRAGMA wal_checkpoint(TRUNCATE);")?;
    let held: i64 = connection.query_row("SELECT applied_rows FROM sinks WHERE id = 1", [], |row| row.get(0))?;
    let same: bool = connection.query_row(
        "SELECT etag = ?2 AND size = ?3 FROM observed WHERE path = ?1",
        params![key(rows - 1).as_str(), etag(rows - 1), i64::try_from(bytes(rows - 1))?],
        |row| row.get(0),
    )?;
    ensure!(held.unsigned_abs() == rows && same, "the state has {held} rows instead of {rows}, and the last one as it should be: {same}");
    Ok(())
}

/// Changes two of a hundred rows as a cycle would find them: of a thousand rows, 12 have other content, 4 other permissions, 2
/// are gone and 2 new. Returns the numbers of new and gone files, of other content and of other permissions.
pub(crate) fn change_two_of_a_hundred(database: &Path, rows: u64) -> Result<[u64; 4]> {
    let mut connection = Connection::open(database)?;
    let transaction = connection.transaction()?;
    let number = "CAST(substr(path, -12, 8) AS INTEGER) % 1000";
    let changed = [
        transaction.execute(
            &format!("UPDATE observed SET path = replace(path, '.pdf', '.new') WHERE path IN (SELECT path FROM observed WHERE {number} IN (3, 503))"),
            [],
        )?,
        transaction.execute(&format!("UPDATE observed SET present = 0 WHERE {number} IN (1, 501)"), [])?,
        transaction.execute(&format!("UPDATE observed SET etag = 'changed' || etag WHERE {number} < 960 AND {number} % 80 = 7"), [])?,
        transaction.execute(
            &format!("INSERT INTO permissions (source, path, permissions, permissions_at, permissions_look) SELECT 1, path, 'rw-rw-rw-', 0, 1 FROM observed WHERE {number} % 250 = 9"),
            [],
        )?,
    ];
    transaction.commit()?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
    let changed = changed.map(|rows| rows as u64);
    ensure!(changed.iter().sum::<u64>() == rows / 50, "{changed:?} of {rows} rows are changed");
    Ok(changed)
}
