//! The known facts of a path: observed and applied row, reported permissions, and its row in `pending`. One query reads many
//! paths.

use crate::plan::requeue::{PathView, PendingRow, RowStatus};
use crate::record::{ObjectKey, PathState, Permissions};
use crate::state::database::codec::texts;
use crate::state::error::StateError;
use crate::state::tables::sinks::RegisteredSink;
use crate::state::tables::{applied, observed};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use std::sync::LazyLock;

/// The observed and applied facts of a path.
pub(crate) fn sides(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<PathState, StateError> {
    Ok(view(connection, sink, path)?.path_state)
}

/// All known facts of a path.
pub(crate) fn view(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<PathView, StateError> {
    let mut views = views(connection, sink, std::iter::once(path))?;
    views.pop().ok_or_else(|| StateError::Corrupt("a question has no answer".to_owned()))
}

/// The permissions that a sink should have, from the row `t` of `permissions` and the row `m` of `outdated_permissions`. Fields
/// that are outdated for the sink are missing.
pub(crate) fn wanted_columns() -> String {
    ["permissions", "owner", "owner_group"]
        .map(|field| {
            format!(
                "iif(m.path IS NULL OR NOT (ifnull(t.{field}_at <= m.until, 0) OR ifnull(t.{field}_look < m.before_look, 0)), t.{field}, NULL)"
            )
        })
        .join(", ")
}

/// The columns that [`sides_from_row`] reads, in its order: of the rows `o` of `observed` and `a` of `applied`, and those of
/// [`wanted_columns`].
pub(crate) fn side_columns() -> String {
    format!(
        "o.look, o.present, o.size, o.etag, o.last_modified, o.storage_class, o.version_id,
         a.confirmed, a.size, a.etag, a.last_modified, a.storage_class, a.version_id, a.file_type, a.handle,
         a.permissions, a.owner, a.owner_group, {}",
        wanted_columns()
    )
}

/// The number of [`side_columns`].
pub(crate) const SIDE_COLUMNS: usize = 21;

/// All known facts of each of these paths, in their order, in one query.
pub(crate) fn views<'p>(
    connection: &Connection,
    sink: RegisteredSink,
    paths: impl Iterator<Item = &'p ObjectKey> + Clone,
) -> Result<Vec<PathView>, StateError> {
    // Usually the sink has no open intent. Then no path is looked up in `intents`.
    static VIEWS: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {}, p.status = 'due', p.status = 'held', p.deletion,
                p.status = 'skipped' AND p.reason IS 'listed_but_missing', p.told_at,
                (SELECT open_intents > 0 FROM sinks WHERE id = ?1)
                    AND (EXISTS (SELECT 1 FROM intents WHERE sink = ?1 AND path = k.value)
                         OR EXISTS (SELECT 1 FROM intents WHERE sink = ?1 AND new_path = k.value)),
                EXISTS (SELECT 1 FROM meta WHERE name = 'restored_at_look')
         FROM rarray(?3) k LEFT JOIN observed o ON o.source = ?2 AND o.path = k.value
         LEFT JOIN applied a ON a.sink = ?1 AND a.path = k.value
         LEFT JOIN permissions t ON t.source = ?2 AND t.path = k.value
         LEFT JOIN outdated_permissions m ON m.sink = ?1 AND m.path = t.path
         LEFT JOIN pending p ON p.sink = ?1 AND p.path = k.value",
            side_columns()
        )
    });
    let mut statement = connection.prepare_cached(&VIEWS)?;
    let mut rows = statement.query(params![sink.id, sink.source, texts(paths.clone())])?;
    let mut views = Vec::new();
    for path in paths {
        let row = rows.next()?.ok_or_else(|| StateError::Corrupt("a question has no answer".to_owned()))?;
        let is_pending = row.get_ref(SIDE_COLUMNS)? != ValueRef::Null;
        views.push(PathView {
            path_state: sides_from_row(row, 0, path)?,
            pending: is_pending.then(|| pending_from_row(row, SIDE_COLUMNS)).transpose()?,
            open_intent: row.get(SIDE_COLUMNS + 5)?,
            state_restored: row.get(SIDE_COLUMNS + 6)?,
            reported_at: None,
        });
    }
    Ok(views)
}

/// Reads the columns of [`side_columns`], from `first` on.
pub(crate) fn sides_from_row(row: &Row<'_>, first: usize, path: &ObjectKey) -> rusqlite::Result<PathState> {
    let (applied, wanted) = (first + 7, first + 18);
    let (observation, held): (Option<i64>, Option<bool>) = (row.get(first)?, row.get(applied)?);
    Ok(PathState {
        observed: observation.map(|_| observed::from_row(row, first)).transpose()?,
        applied: held.map(|_| applied::from_row(row, applied, path.clone())).transpose()?,
        wanted: Permissions { permissions: row.get(wanted)?, owner: row.get(wanted + 1)?, group: row.get(wanted + 2)? },
    })
}

fn pending_from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<PendingRow> {
    let status = match (row.get(first)?, row.get(first + 1)?, row.get(first + 3)?) {
        (true, ..) => RowStatus::Due,
        (_, true, _) => RowStatus::Held,
        (.., true) => RowStatus::ListedButMissing,
        _ => RowStatus::Waiting,
    };
    Ok(PendingRow { status, maybe_deleted: row.get(first + 2)?, reported_at: row.get(first + 4)? })
}
