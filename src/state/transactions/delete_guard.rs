//! Deletes that wait: counted for the guard, held and let go. Whether they may go is the workflow's decision.

use crate::state::database::meta;
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::scan_progress;
use crate::state::tables::sinks::{self, FILE_MANAGER};
use rusqlite::Connection;

/// The names of rows of `meta`.
const HELD_DELETES: &str = "held_deletes";
const HELD_OF_ROWS: &str = "held_of_rows";
const HELD_AS_NOTHING_WAS_LISTED: &str = "held_as_nothing_was_listed";

/// Deletes that the guard holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldDeletes {
    /// How many there were when it held them.
    pub deletes: u64,
    /// Of so many files that the sink had: what it gets later is no reason to let more go.
    pub of_rows: u64,
    /// Because a listing showed nothing at all, not because they are many.
    pub nothing_listed: bool,
}

impl State {
    /// Forgets the absent keys of which the sink has nothing: with the deletes held, nobody looks at them, and the next
    /// listing finds them absent again. What an older look had shown there is forgotten too: nothing is to be done about it. (A state
    /// that was restored does not know of what the sink has nothing.)
    pub async fn forget_idle_absences(&self) -> Result<(), StateError> {
        self.writer
            .call(|connection| {
                let idle = "deletion = 1
                     AND NOT EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
                     AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path)
                     AND NOT EXISTS (SELECT 1 FROM meta WHERE name = 'restored_at_look')";
                connection.execute(
                    &format!("DELETE FROM observed WHERE present = 1 AND path IN (SELECT path FROM pending p WHERE sink = ?1 AND {idle})"),
                    [FILE_MANAGER],
                )?;
                connection.execute(&format!("DELETE FROM pending AS p WHERE sink = ?1 AND {idle}"), [FILE_MANAGER])?;
                Ok(())
            })
            .await
    }

    /// How many deletes the sink would see if every path that is or may be gone is deleted, with those that are held or without:
    /// for the guard. In a state that was restored the sink may have any of them.
    pub async fn deletes_in_question(&self, held_too: bool) -> Result<u64, StateError> {
        self.writer
            .call(move |connection| {
                let held = if held_too { count(connection, COUNT_HELD)? } else { 0 };
                Ok(count(connection, COUNT_DUE)? + held)
            })
            .await
    }

    /// The guard holds the deletes: they wait until it lets them go, and make no cycle heavier meanwhile.
    pub async fn hold_deletes(&self, held: HeldDeletes) -> Result<(), StateError> {
        self.writer
            .call(move |connection| {
                connection.prepare_cached(HOLD)?.execute([FILE_MANAGER])?;
                meta::write_meta(connection, HELD_DELETES, &held.deletes.to_string())?;
                meta::write_meta(connection, HELD_OF_ROWS, &held.of_rows.to_string())?;
                if held.nothing_listed {
                    return meta::write_meta(connection, HELD_AS_NOTHING_WAS_LISTED, "yes");
                }
                meta::delete_meta(connection, HELD_AS_NOTHING_WAS_LISTED)
            })
            .await
    }

    /// The guard lets the deletes go.
    pub async fn let_deletes_go(&self) -> Result<(), StateError> {
        self.writer
            .call(|connection| {
                connection.prepare_cached(LET_GO)?.execute([FILE_MANAGER])?;
                [HELD_DELETES, HELD_OF_ROWS, HELD_AS_NOTHING_WAS_LISTED].iter().try_for_each(|name| meta::delete_meta(connection, name))
            })
            .await
    }

    /// What the guard holds, as it last judged: read, not counted. Nothing, once all of it was spoken of or is back.
    pub async fn held_deletes(&self) -> Result<Option<HeldDeletes>, StateError> {
        self.writer.call(held).await
    }

    /// How many rows the sink has: a counter.
    pub async fn applied_rows(&self) -> Result<u64, StateError> {
        self.writer.call(sinks::applied_rows).await
    }

    /// How many rows the sink had when the listing began: what the same run created is no reason to let more go.
    pub async fn rows_before_listing(&self) -> Result<u64, StateError> {
        self.writer.call(scan_progress::rows_before_listing).await
    }
}

/// Counts deletes of paths that the sink has, or may have.
fn count(connection: &Connection, which: &str) -> Result<u64, StateError> {
    let deletes: i64 = connection.prepare_cached(which)?.query_row([FILE_MANAGER], |row| row.get(0))?;
    Ok(deletes.unsigned_abs())
}

// Two questions each, not one with a parameter: an index that holds some rows only is used where the query says which, word for word.
pub(crate) const COUNT_DUE: &str = "SELECT count(*) FROM pending p WHERE sink = ?1 AND status = 'due' AND deletion = 1 AND (
    EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
    OR EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path)
    OR EXISTS (SELECT 1 FROM meta WHERE name = 'restored_at_look'))";
pub(crate) const COUNT_HELD: &str =
    "SELECT count(*) FROM pending p WHERE sink = ?1 AND status = 'held' AND status <> 'due' AND deletion = 1 AND (
    EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
    OR EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path)
    OR EXISTS (SELECT 1 FROM meta WHERE name = 'restored_at_look'))";
pub(crate) const HOLD: &str = "UPDATE pending SET status = 'held' WHERE sink = ?1 AND status = 'due' AND deletion = 1";
pub(crate) const LET_GO: &str =
    "UPDATE pending SET status = 'due' WHERE sink = ?1 AND status = 'held' AND status <> 'due' AND deletion = 1";

/// As [`State::held_deletes`].
pub(crate) fn held(connection: &Connection) -> Result<Option<HeldDeletes>, StateError> {
    let count = |name| Ok::<_, StateError>(meta::read_meta(connection, name)?.and_then(|count| count.parse().ok()));
    let any = "SELECT EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND status = 'held' AND status <> 'due')";
    let any: bool = connection.prepare_cached(any)?.query_row([FILE_MANAGER], |row| row.get(0))?;
    let Some(deletes) = count(HELD_DELETES)?.filter(|_| any) else { return Ok(None) };
    let of_rows = count(HELD_OF_ROWS)?.unwrap_or_default();
    let nothing_listed = meta::read_meta(connection, HELD_AS_NOTHING_WAS_LISTED)?.is_some();
    Ok(Some(HeldDeletes { deletes, of_rows, nothing_listed }))
}
