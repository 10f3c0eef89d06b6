//! Deletes that wait: counted for the guard, held and released. `plan::guard` decides which.
//!
//! The guard judges all keys of a sink, because its limit is a share of all files. The one row of `shards` stands for the whole key
//! space, so neither the guard nor a snapshot takes bounds of a range. With a second shard they would take both bounds, as a page of a
//! listing has them.

use crate::mutant;
use crate::plan::guard::HeldDeletes;
use crate::record::ObjectKey;
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::sinks::{self, RegisteredSink};
use crate::state::transactions::claim::{self, WorkItem};
use rusqlite::{Connection, params};

/// The deletes that the guard is about to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletesInQuestion {
    /// The number of deletes.
    pub deletes: u64,
    /// The last queue position at that moment: a later delete is not among them.
    pub up_to: i64,
}

impl SinkState {
    /// Removes absent keys that the sink does not hold. No run would look them up while the deletes are held, and the next
    /// listing finds them absent again. Their older observations are removed, too, because no work follows from them. (A restored
    /// state does not know which keys the sink does not hold.)
    pub async fn absences_drop_unapplied(&self) -> Result<(), StateError> {
        self.call(move |connection, sink| {
            let idle = "deletion = 1
                     AND NOT EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
                     AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path)
                     AND NOT EXISTS (SELECT 1 FROM meta WHERE name = 'restored_at_look')";
            // The observation is still needed if another sink holds the file or has pending work on it.
            let needed = if mutant::is("a_sinks_absence_forgets_the_look_of_all") { "s.id = 0" } else { "s.id <> ?1" };
            connection.execute(
                &format!(
                    "DELETE FROM observed AS o WHERE source = ?2 AND present = 1
                             AND path IN (SELECT path FROM pending p WHERE sink = ?1 AND {idle})
                             AND NOT EXISTS (SELECT 1 FROM sinks s WHERE s.source = ?2 AND {needed} AND (
                                 EXISTS (SELECT 1 FROM applied a WHERE a.sink = s.id AND a.path = o.path)
                                 OR EXISTS (SELECT 1 FROM intents i WHERE i.sink = s.id AND i.path = o.path)
                                 OR EXISTS (SELECT 1 FROM pending q WHERE q.sink = s.id AND q.path = o.path)))"
                ),
                params![sink.id, sink.source],
            )?;
            connection.execute(&format!("DELETE FROM pending AS p WHERE sink = ?1 AND {idle}"), [sink.id])?;
            Ok(())
        })
        .await
    }

    /// The number of deletes if every path that is or may be gone were deleted, with or without the held ones. After a restore,
    /// the sink may hold any of the paths.
    pub async fn deletes_in_question(&self, held_too: bool) -> Result<DeletesInQuestion, StateError> {
        self.call(move |connection, sink| {
            let held = if held_too { count(connection, sink, COUNT_HELD)? } else { 0 };
            let mut deletes = count(connection, sink, COUNT_DUE)? + held;
            if mutant::is("the_guard_counts_the_deletes_of_all_sinks") {
                for other in sinks::all(connection, sink.source)?.into_iter().filter(|other| other.id != sink.id) {
                    deletes += count(connection, other, COUNT_DUE)?;
                }
            }
            let last = "SELECT ifnull(max(seq), 0) FROM pending WHERE sink = ?1";
            if mutant::is("what_another_sink_found_gone_is_not_judged") {
                return Ok(DeletesInQuestion { deletes, up_to: i64::MAX });
            }
            Ok(DeletesInQuestion { deletes, up_to: connection.prepare_cached(last)?.query_row([sink.id], |row| row.get(0))? })
        })
        .await
    }

    /// Marks the deletes as held, and the listing as judged. Held deletes cost a cycle nothing until the guard releases them.
    pub async fn deletes_hold(&self, held: HeldDeletes) -> Result<(), StateError> {
        self.call(move |connection, sink| {
            connection.prepare_cached(HOLD)?.execute([sink.id])?;
            sinks::write_held_deletes(connection, sink, Some(held))?;
            sinks::note_listing_judged(connection, sink)
        })
        .await
    }

    /// Makes the held deletes due, and marks the listing as judged.
    pub async fn deletes_release(&self) -> Result<(), StateError> {
        self.call(move |connection, sink| {
            connection.prepare_cached(LET_GO)?.execute([sink.id])?;
            sinks::write_held_deletes(connection, sink, None)?;
            sinks::note_listing_judged(connection, sink)
        })
        .await
    }

    /// The result of the guard's last judgement, while any delete is still held.
    pub async fn deletes_held(&self) -> Result<Option<HeldDeletes>, StateError> {
        self.call(held).await
    }

    /// The number of rows of the sink: a counter.
    pub async fn applied_rows(&self) -> Result<u64, StateError> {
        self.call(sinks::applied_rows).await
    }

    /// The sink's rows before a listing whose deletes the guard has not judged; `None` = all are judged, or the sink had no rows.
    pub async fn rows_before_unjudged_listing(&self) -> Result<Option<u64>, StateError> {
        self.call(|connection, sink| {
            let unjudged = sinks::listing_is_unjudged(connection, sink)?;
            Ok(if unjudged { Some(sinks::rows_before_listing(connection, sink)?).filter(|rows| *rows > 0) } else { None })
        })
        .await
    }

    /// Some of the paths that may be gone, due or held, with all that is known of them.
    pub async fn deletes_sample(&self, most: usize) -> Result<Vec<WorkItem>, StateError> {
        self.call(move |connection, sink| {
            let mut sample = Vec::new();
            for which in [SAMPLE_DUE, SAMPLE_HELD] {
                let mut statement = connection.prepare_cached(which)?;
                let rows = statement.query_map(params![sink.id, i64::try_from(most).unwrap_or(i64::MAX)], |row| row.get::<_, String>(0))?;
                for path in rows {
                    let path = ObjectKey::new(path?).map_err(|_| StateError::Corrupt("an empty path".to_owned()))?;
                    sample.extend(claim::one(connection, sink, &path)?);
                }
            }
            sample.truncate(most);
            Ok(sample)
        })
        .await
    }

    /// The guard has judged the deletes of the listing so far, and holds none of them.
    pub async fn listing_judged(&self) -> Result<(), StateError> {
        self.call(sinks::note_listing_judged).await
    }

    /// The sink's rows when the listing began. The guard compares with this number, because rows that the run itself adds must
    /// not allow more deletes.
    pub async fn rows_before_listing(&self) -> Result<u64, StateError> {
        self.call(sinks::rows_before_listing).await
    }
}

/// Counts deletes of paths that the sink has or may have.
fn count(connection: &Connection, sink: RegisteredSink, which: &str) -> Result<u64, StateError> {
    let deletes: i64 = connection.prepare_cached(which)?.query_row([sink.id], |row| row.get(0))?;
    Ok(deletes.unsigned_abs())
}

// Two statements instead of one with a parameter: SQLite uses a partial index only if the query repeats its condition word for
// word.
pub(crate) const COUNT_DUE: &str = "SELECT count(*) FROM pending p WHERE sink = ?1 AND status = 'due' AND deletion = 1 AND (
    EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
    OR EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path)
    OR EXISTS (SELECT 1 FROM meta WHERE name = 'restored_at_look'))";
pub(crate) const COUNT_HELD: &str =
    "SELECT count(*) FROM pending p WHERE sink = ?1 AND status = 'held' AND status <> 'due' AND deletion = 1 AND (
    EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
    OR EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path)
    OR EXISTS (SELECT 1 FROM meta WHERE name = 'restored_at_look'))";
const SAMPLE_DUE: &str = "SELECT path FROM pending WHERE sink = ?1 AND status = 'due' AND deletion = 1 ORDER BY large, seq LIMIT ?2";
const SAMPLE_HELD: &str = "SELECT path FROM pending WHERE sink = ?1 AND status = 'held' AND status <> 'due' AND deletion = 1 LIMIT ?2";
pub(crate) const HOLD: &str = "UPDATE pending SET status = 'held' WHERE sink = ?1 AND status = 'due' AND deletion = 1";
pub(crate) const LET_GO: &str =
    "UPDATE pending SET status = 'due' WHERE sink = ?1 AND status = 'held' AND status <> 'due' AND deletion = 1";

/// As [`SinkState::deletes_held`].
pub(crate) fn held(connection: &Connection, sink: RegisteredSink) -> Result<Option<HeldDeletes>, StateError> {
    let any = "SELECT EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND status = 'held' AND status <> 'due')";
    let any: bool = connection.prepare_cached(any)?.query_row([sink.id], |row| row.get(0))?;
    if any { sinks::held_deletes(connection, sink) } else { Ok(None) }
}
