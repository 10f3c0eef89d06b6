//! A sink has lost a file: the permissions that events reported of it are outdated there. They are removed when no other sink
//! needs them.

use crate::mutant;
use crate::record::{ObjectKey, ObservationSeq, Outdated};
use crate::state::database::codec::time;
use crate::state::error::StateError;
use crate::state::tables::sinks::{self, RegisteredSink};
use crate::state::tables::sources::SourceId;
use crate::state::tables::{applied, intents, lineage, outdated_permissions, permissions};
use rusqlite::{Connection, OptionalExtension as _, params};

/// The sink has confirmed that it no longer holds anything at the path.
///
/// A delete event outdates what was reported for a time up to its own. Without one, the observation that found the file gone
/// outdates what was received before it, including events still in the inbox. After a restore, a delete may only have made sure
/// that nothing is there (`made_sure`). Then no file is known to be lost, unless an event reported it.
pub(crate) fn gone(connection: &Connection, sink: RegisteredSink, path: &ObjectKey, made_sure: bool) -> Result<(), StateError> {
    let mut statement =
        connection.prepare_cached("SELECT look, gone_told_at, gone_by_event FROM observed WHERE source = ?1 AND path = ?2")?;
    let tombstone = statement
        .query_row(params![sink.source, path.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?)));
    let outdated = match tombstone.optional()? {
        Some((_, Some(gone_at), true)) => Outdated { until: time(gone_at), before: None },
        Some(_) if made_sure => return Ok(()),
        Some((seq, ..)) => {
            connection
                .prepare_cached("UPDATE observed SET gone_look = ?3 WHERE source = ?1 AND path = ?2 AND present = 0")?
                .execute(params![sink.source, path.as_str(), seq])?;
            Outdated { until: None, before: Some(ObservationSeq(seq.unsigned_abs())) }
        }
        None => return Ok(()),
    };
    outdate(connection, sink, path, outdated)
}

/// Outdates a path's reported permissions for one sink. A field is removed once it is outdated for every sink that may still set
/// it.
pub(crate) fn outdate(connection: &Connection, sink: RegisteredSink, path: &ObjectKey, outdated: Outdated) -> Result<(), StateError> {
    let before = permissions::read(connection, sink.source, path)?;
    if before.is_empty() {
        return Ok(());
    }
    let own = outdated_permissions::read(connection, sink, path)?.and(outdated);
    let mut all = vec![own];
    let others = sinks::all(connection, sink.source)?.into_iter().filter(|other| other.id != sink.id && other.policy.has_permissions());
    for other in others.filter(|_| !mutant::is("a_sinks_delete_clears_the_permissions_of_all")) {
        if needs_permissions(connection, other, path)? {
            all.push(outdated_permissions::read(connection, other, path)?);
        }
    }
    let mut now = before.clone();
    now.retain(|field| !all.iter().all(|outdated| outdated.covers(field)));
    if now != before {
        permissions::write(connection, sink.source, path, &now)?;
    }
    if now.is_empty() {
        return outdated_permissions::remove_all(connection, sink.source, path);
    }
    let mut left = now.clone();
    left.retain(|field| !own.covers(field));
    if left == now { Ok(()) } else { outdated_permissions::write(connection, sink, path, own) }
}

/// After a sink was removed or started over: removes the permissions that are outdated for all other sinks.
pub(crate) fn drop_what_no_sink_needs(connection: &Connection, source: SourceId) -> Result<(), StateError> {
    for sink in sinks::all(connection, source)? {
        for path in outdated_permissions::paths(connection, sink)? {
            outdate(connection, sink, &path, Outdated::default())?;
        }
    }
    Ok(())
}

/// True if the sink holds or may hold a file at the path: its reported permissions may still have to be set, or move with the
/// file.
fn needs_permissions(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<bool, StateError> {
    Ok(applied::read(connection, sink, path)?.is_some()
        || intents::is_open(connection, sink, path)?
        || !lineage::concerning(connection, sink, std::iter::once(path))?.is_empty())
}
