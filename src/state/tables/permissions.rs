//! What was told of the permissions of each path, and has to be held until the path is gone.

use crate::record::{Look, ObjectKey, Told, ToldField};
use crate::state::database::codec::{integer, time};
use crate::state::error::StateError;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(crate) fn read(connection: &Connection, path: &ObjectKey) -> Result<Told, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT permissions, permissions_at, permissions_look, owner, owner_at, owner_look, owner_group, owner_group_at, owner_group_look
         FROM told WHERE path = ?1",
    )?;
    let told =
        statement.query_row([path.as_str()], |row| Ok(Told { permissions: field(row, 0)?, owner: field(row, 3)?, group: field(row, 6)? }));
    Ok(told.optional()?.unwrap_or_default())
}

fn field(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<ToldField>> {
    let (value, at, look): (Option<String>, Option<i64>, Option<i64>) = (row.get(first)?, row.get(first + 1)?, row.get(first + 2)?);
    Ok(value.zip(at.and_then(time)).zip(look).map(|((value, at), look)| ToldField { value, at, look: Look(look.unsigned_abs()) }))
}

pub(crate) fn write(connection: &Connection, path: &ObjectKey, told: &Told) -> Result<(), StateError> {
    if told.wanted().is_empty() {
        connection.prepare_cached("DELETE FROM told WHERE path = ?1")?.execute([path.as_str()])?;
        return Ok(());
    }
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO told VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    let columns = |field: &Option<ToldField>| {
        let field = field.as_ref();
        (field.map(|field| field.value.clone()), field.map(|field| field.at.as_microsecond()), field.map(|field| integer(field.look.0)))
    };
    let ((permissions, permissions_at, permissions_look), (owner, owner_at, owner_look), (group, group_at, group_look)) =
        (columns(&told.permissions), columns(&told.owner), columns(&told.group));
    statement.execute(params![
        path.as_str(),
        permissions,
        permissions_at,
        permissions_look,
        owner,
        owner_at,
        owner_look,
        group,
        group_at,
        group_look,
    ])?;
    Ok(())
}

/// The file at a path is confirmed to be gone: what was told of it goes too. What was told since waits for the next file there.
/// Where nobody told that it went, the tombstone keeps the look that found it gone: what was received before may still be in the inbox.
/// Whoever only made sure that nothing is there knows of no file that went, unless somebody told it (`made_sure`).
pub(crate) fn forget_gone(connection: &Connection, path: &ObjectKey, made_sure: bool) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached("SELECT look, gone_told_at, gone_by_event FROM observed WHERE path = ?1")?;
    let tombstone = statement.query_row([path.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?)));
    let mut told = read(connection, path)?;
    match tombstone.optional()? {
        Some((_, Some(gone_at), true)) => time(gone_at).into_iter().for_each(|gone_at| told.forget_until(gone_at)),
        Some(_) if made_sure => {}
        Some((look, ..)) => {
            connection
                .prepare_cached("UPDATE observed SET gone_look = ?2 WHERE path = ?1 AND present = 0")?
                .execute(params![path.as_str(), look])?;
            told.forget_before(Look(look.unsigned_abs()));
        }
        None => {}
    }
    write(connection, path, &told)
}
