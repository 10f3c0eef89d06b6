//! Observed: what looks showed. An older look never overwrites a newer one.

use crate::mutant;
use crate::plan::Limits;
use crate::record::{LookedAt, ObjectFacts, Observed, Page, PageCounts, Sides};
use crate::state::database::codec::integer;
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::sinks::FILE_MANAGER;
use crate::state::tables::{applied, observed, permissions, scan_progress};
use crate::state::transactions::requeue::{self, Trigger};
use rusqlite::{Connection, params};

impl State {
    /// Stores a page, what is to be done about it, and how far the listing has come: one transaction.
    pub async fn commit_page(&self, page: Page) -> Result<PageCounts, StateError> {
        let limits = self.limits;
        self.writer.call(move |connection| store_page(connection, &page, limits)).await
    }

    /// Stores looks, and what is to be done about them.
    pub async fn commit_looks(&self, looks: Vec<LookedAt>) -> Result<(), StateError> {
        let limits = self.limits;
        self.writer
            .call(move |connection| {
                looks.iter().try_for_each(|looked| store_look(connection, looked, limits).map(drop))?;
                looks.iter().map(|looked| looked.look).max().map_or(Ok(()), |newest| observed::raise_high_water(connection, newest))
            })
            .await
    }
}

fn store_page(connection: &Connection, page: &Page, limits: Limits) -> Result<PageCounts, StateError> {
    let mut counts = PageCounts::default();
    // Most pages of a first listing: there is nothing to read for each of their keys.
    let new_ground = is_new_ground(connection, page)?;
    for (path, facts) in &page.objects {
        let looked = LookedAt { path: path.clone(), facts: Some(facts.clone()), look: page.look };
        let to_do = if new_ground { store_first_look(connection, looked, limits)? } else { store_look(connection, &looked, limits)? };
        if path.is_directory_marker(facts.size) {
            counts.markers += 1;
            continue;
        }
        counts.files += 1;
        counts.bytes += facts.size;
        if to_do {
            counts.to_do += 1;
            counts.to_do_bytes += facts.size;
        }
    }
    observed::raise_high_water(connection, page.look)?;
    if !new_ground {
        queue_absent(connection, page)?;
    }
    scan_progress::checkpoint(connection, page)?;
    Ok(counts)
}

/// Queues every key of a page's range that an older look or the sink knows and the page does not show.
/// In SQL alone: an emptied bucket's last page covers millions of them. (No upper bound is an empty blob, which is
/// greater than every text: a comparison with it still bounds the scan of the index.)
fn queue_absent(connection: &Connection, page: &Page) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO pending (sink, path, status, deletion, large)
         SELECT ?1, path, 'due', 1, 0 FROM observed o
         WHERE path >= ?2 AND path < ifnull(?3, x'') AND look < ?4
           AND (present = 1 OR EXISTS (SELECT 1 FROM applied a WHERE a.sink = ?1 AND a.path = o.path))
         UNION ALL
         SELECT sink, path, 'due', 1, 0 FROM applied a
         WHERE sink = ?1 AND path >= ?2 AND path < ifnull(?3, x'')
           AND NOT EXISTS (SELECT 1 FROM observed o WHERE o.path = a.path)
         ON CONFLICT (sink, path) DO UPDATE SET deletion = 1, large = 0, status = iif(status = 'held', 'held', 'due')",
    )?;
    let (from, to) = page.range();
    let look = if mutant::is("absence_is_judged_by_an_older_look") { i64::MAX } else { integer(page.look.0) };
    statement.execute(params![FILE_MANAGER, from, to, look])?;
    Ok(())
}

/// Whether nothing is known of any key in the page's range.
fn is_new_ground(connection: &Connection, page: &Page) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT NOT EXISTS (SELECT 1 FROM observed WHERE path >= ?2 AND path < ifnull(?3, x''))
            AND NOT EXISTS (SELECT 1 FROM applied WHERE sink = ?1 AND path >= ?2 AND path < ifnull(?3, x''))
            AND NOT EXISTS (SELECT 1 FROM intents WHERE sink = ?1 AND path >= ?2 AND path < ifnull(?3, x''))
            AND NOT EXISTS (SELECT 1 FROM pending WHERE sink = ?1 AND path >= ?2 AND path < ifnull(?3, x''))
            AND NOT EXISTS (SELECT 1 FROM told WHERE path >= ?2 AND path < ifnull(?3, x''))",
    )?;
    let (from, to) = page.range();
    Ok(statement.query_row(params![FILE_MANAGER, from, to], |row| row.get(0))?)
}

/// Stores a look at a key of which nothing is known; says whether something is to be done now.
fn store_first_look(connection: &Connection, looked: LookedAt, limits: Limits) -> Result<bool, StateError> {
    let observed = Observed { facts: looked.facts, look: looked.look };
    observed::write(connection, &looked.path, &observed)?;
    requeue::consider_first(connection, &looked.path, observed, limits)
}

/// Stores one look unless a newer one is there; says whether something is to be done now.
pub(crate) fn store_look(connection: &Connection, looked: &LookedAt, limits: Limits) -> Result<bool, StateError> {
    let before = observed::read(connection, &looked.path)?;
    if before.as_ref().is_some_and(|before| before.look >= looked.look) && !mutant::is("an_older_look_wins") {
        return Ok(false);
    }
    let changed = before.is_none_or(|before| differ(before.facts.as_ref(), looked.facts.as_ref()));
    let observed = Observed { facts: looked.facts.clone(), look: looked.look };
    observed::write(connection, &looked.path, &observed)?;
    let wanted = permissions::read(connection, &looked.path)?.wanted();
    let sides = Sides { applied: applied::read(connection, &looked.path)?, observed: Some(observed), wanted };
    requeue::reconsider(connection, &looked.path, sides, Trigger::Look { changed }, limits)
}

/// Whether two looks showed another content or another class. A listing and a HEAD tell the same object with other
/// words: its time more or less finely, its version or its ETag not at all.
fn differ(one: Option<&ObjectFacts>, other: Option<&ObjectFacts>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            let class = |facts: &ObjectFacts| facts.storage_class.as_deref().unwrap_or("STANDARD").to_owned();
            let etags_differ = one.etag.is_some() && other.etag.is_some() && one.etag != other.etag;
            one.size != other.size || etags_differ || class(one) != class(other)
        }
        (one, other) => one.is_some() != other.is_some(),
    }
}
