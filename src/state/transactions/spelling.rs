//! The facts by which `plan::spelling` decides which keys an event concerns: the lookups of its batch, and what is stored of each key.

use crate::plan::spelling::{SpellingFacts, events_meant};
use crate::record::{Event, ObjectKey};
use crate::state::database::codec::texts;
use crate::state::error::StateError;
use crate::state::handle::SourceState;
use crate::state::tables::sources::SourceId;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

impl SourceState {
    /// Those of the paths of which anything is known: an observation, an applied row or reported permissions.
    pub async fn known_paths_of(&self, paths: BTreeSet<ObjectKey>) -> Result<BTreeSet<ObjectKey>, StateError> {
        let source = self.state.source;
        self.state
            .writer
            .call(move |connection| {
                let facts = facts(connection, source, paths.iter().collect())?;
                Ok(facts.into_iter().filter(|(_, facts)| facts.is_known).map(|(path, _)| path.clone()).collect())
            })
            .await
    }
}

/// What is known of the paths of a batch that one of several spellings names. The events come with the paths that they concern; `lookups` say
/// of each path of the batch if an object is there; `None` = the lookup failed.
pub(crate) fn facts_of_spellings<'e>(
    connection: &Connection,
    source: SourceId,
    lookups: &BTreeMap<&ObjectKey, Option<bool>>,
    events: impl Iterator<Item = (&'e Event, &'e [&'e ObjectKey])>,
) -> Result<BTreeMap<&'e ObjectKey, SpellingFacts>, StateError> {
    // Most events concern only their most likely spellings, and mean just that.
    let ambiguous = events.filter(|(event, paths)| paths.len() > event.paths().count());
    let mut facts = facts(connection, source, ambiguous.flat_map(|(_, paths)| paths.iter().copied()).collect())?;
    for (path, facts) in &mut facts {
        let lookup = lookups.get(path);
        (facts.is_there, facts.failed) = (lookup == Some(&Some(true)), lookup == Some(&None));
    }
    Ok(facts)
}

/// The events that an event means, itself first. `concerned` are the paths that it may concern.
pub(crate) fn resolve(event: &Event, concerned: &[&ObjectKey], facts: &BTreeMap<&ObjectKey, SpellingFacts>) -> Vec<Event> {
    let facts = concerned.iter().filter_map(|path| Some((*path, *facts.get(path)?))).collect();
    events_meant(event, &facts)
}

/// The paths that an event of a batch may concern. Other spellings were looked up if it may concern them.
pub(crate) fn concerned<'e>(event: &'e Event, lookups: &BTreeMap<&ObjectKey, Option<bool>>) -> Vec<&'e ObjectKey> {
    event.concerned_paths(&|path| lookups.get(path) == Some(&Some(true)), &|path| lookups.contains_key(path))
}

/// What is stored of these paths.
fn facts<'p>(
    connection: &Connection,
    source: SourceId,
    paths: BTreeSet<&'p ObjectKey>,
) -> Result<BTreeMap<&'p ObjectKey, SpellingFacts>, StateError> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM observed WHERE source = ?1 AND path = k.value AND present = 1)
                OR EXISTS (SELECT 1 FROM sinks s WHERE s.source = ?1 AND EXISTS (SELECT 1 FROM applied WHERE sink = s.id AND path = k.value)),
            EXISTS (SELECT 1 FROM observed WHERE source = ?1 AND path = k.value)
                OR EXISTS (SELECT 1 FROM permissions WHERE source = ?1 AND path = k.value)
         FROM rarray(?2) k",
    )?;
    let mut rows = statement.query(params![source, texts(paths.iter().copied())])?;
    let mut facts = BTreeMap::new();
    for path in paths {
        let row = rows.next()?.ok_or_else(|| StateError::Corrupt("a question has no answer".to_owned()))?;
        let (was_there, has_row): (bool, bool) = (row.get(0)?, row.get(1)?);
        facts.insert(path, SpellingFacts { was_there, is_known: was_there || has_row, ..SpellingFacts::default() });
    }
    Ok(facts)
}
