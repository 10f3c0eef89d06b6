//! Observed: the results of lookups and listings. An older observation never overwrites a newer one.

use crate::mutant;
use crate::plan::requeue::Trigger;
use crate::record::{ObjectFacts, ObjectKey, Observation, ObservationSeq, Observed, Page, PageCounts, UnorderedPage};
use crate::state::database::codec::{integer, texts};
use crate::state::error::StateError;
use crate::state::handle::SourceState;
use crate::state::tables::sinks::{self, RegisteredSink};
use crate::state::tables::sources::{self, SourceId};
use crate::state::tables::{observed, sides};
use crate::state::transactions::requeue;
use rusqlite::{Connection, params};
use std::collections::{BTreeSet, HashMap};

impl SourceState {
    /// Stores a page, the work that follows from it, and the progress of the listing in one transaction.
    pub async fn page_record(&self, page: Page) -> Result<PageCounts, StateError> {
        let source = self.state.source;
        self.state.store(move |connection| store_page(connection, source, &page)).await
    }

    /// Stores a page of a listing that is not in byte order. With the last page, queues lookups of the keys that the whole
    /// listing did not show. Another run cannot continue such a listing.
    pub async fn unordered_page_record(&self, page: UnorderedPage) -> Result<PageCounts, StateError> {
        let source = self.state.source;
        self.state.store(move |connection| store_unordered_page(connection, source, &page)).await
    }

    /// Those of the keys that the newest lookup did not find, or that wait because a listing showed them and a lookup did not find them.
    pub async fn not_found_of(&self, keys: Vec<ObjectKey>) -> Result<BTreeSet<ObjectKey>, StateError> {
        let source = self.state.source;
        self.state.writer.call(move |connection| not_found_of(connection, source, &keys)).await
    }

    /// Stores observations, and the work that follows from them.
    pub async fn observations_record(&self, observations: Vec<Observation>) -> Result<(), StateError> {
        let source = self.state.source;
        self.state
            .store(move |connection| {
                let sinks = sinks::all(connection, source)?;
                store_observations(connection, (source, &sinks), &observations).map(drop)
            })
            .await
    }
}

fn not_found_of(connection: &Connection, source: SourceId, keys: &[ObjectKey]) -> Result<BTreeSet<ObjectKey>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT k.value FROM rarray(?2) k
         WHERE EXISTS (SELECT 1 FROM observed WHERE source = ?1 AND path = k.value AND present = 0)
            OR EXISTS (SELECT 1 FROM sinks s WHERE s.source = ?1 AND EXISTS (
                SELECT 1 FROM pending WHERE sink = s.id AND path = k.value AND reason = 'listed_but_missing'))",
    )?;
    let found = statement.query_map(params![source, texts(keys.iter())], |row| row.get::<_, String>(0))?;
    found.map(|key| Ok(ObjectKey::new(key?)?)).collect()
}

fn store_page(connection: &Connection, source: SourceId, page: &Page) -> Result<PageCounts, StateError> {
    let sinks = sinks::all(connection, source)?;
    // True for most pages of a first listing. Then no row has to be read for each key.
    let new_ground = is_new_ground(connection, source, page)?;
    let is_new = |path: &ObjectKey| new_ground && page.after.as_ref().is_none_or(|after| path > after);
    let (new, known): (Vec<_>, Vec<_>) = observed_by(&page.objects, page.seq).partition(|observation| is_new(&observation.path));
    let mut counts = PageCounts::default();
    count(&mut counts, &known, &store_observations(connection, (source, &sinks), &known)?);
    count(&mut counts, &new, &store_first_observations(connection, (source, &sinks), &new)?);
    if !new_ground {
        sinks.iter().try_for_each(|sink| queue_absent(connection, *sink, page.range(), page.seq))?;
    }
    note_files(connection, source, page.after.is_none(), &page.objects)?;
    sources::write_listed(connection, source, page.up_to.as_ref())?;
    Ok(counts)
}

fn store_unordered_page(connection: &Connection, source: SourceId, page: &UnorderedPage) -> Result<PageCounts, StateError> {
    let sinks = sinks::all(connection, source)?;
    let objects: Vec<_> = observed_by(&page.objects, page.seq).collect();
    let mut counts = PageCounts::default();
    count(&mut counts, &objects, &store_observations(connection, (source, &sinks), &objects)?);
    note_files(connection, source, page.first, &page.objects)?;
    match page.listed_since {
        Some(since) => {
            sinks.iter().try_for_each(|sink| queue_absent(connection, *sink, page.range_of_listing(), since))?;
            sources::write_listed(connection, source, None)?;
        }
        None => sources::forget_listed_up_to(connection, source)?,
    }
    Ok(counts)
}

fn observed_by(objects: &[(ObjectKey, ObjectFacts)], seq: ObservationSeq) -> impl Iterator<Item = Observation> {
    objects.iter().map(move |(path, facts)| Observation { path: path.clone(), facts: Some(facts.clone()), seq })
}

/// Adds the objects of a page, each with the number of sinks for which it is due.
fn count(counts: &mut PageCounts, objects: &[Observation], to_do: &[u64]) {
    for (Observation { path, facts, .. }, to_do) in objects.iter().zip(to_do) {
        let size = facts.as_ref().map_or(0, |facts| facts.size);
        if path.is_directory_marker(size) {
            counts.markers += 1;
            continue;
        }
        counts.files += 1;
        counts.bytes += size;
        counts.to_do += to_do;
        counts.to_do_bytes += to_do * size;
    }
}

/// Notes that a page is stored, and whether the listing has shown any file.
fn note_files(connection: &Connection, source: SourceId, first: bool, objects: &[(ObjectKey, ObjectFacts)]) -> Result<(), StateError> {
    let shows_files = objects.iter().any(|(path, facts)| !path.is_directory_marker(facts.size));
    if first || shows_files {
        sources::write_listing_saw_files(connection, source, shows_files)?;
    }
    sinks::note_page(connection, source, first)
}

/// Queues a lookup of every known key in the range that the pages of the range did not show. Known are keys with an observation
/// from before `seq`, or with an applied row. One SQL statement, because the last page of an emptied bucket may cover millions of
/// keys. (Without an upper bound the statement compares with an empty blob: SQLite sorts every blob after every text, so the
/// comparison is true and still bounds the index scan.)
fn queue_absent(
    connection: &Connection,
    sink: RegisteredSink,
    (from, to): (String, Option<String>),
    seq: ObservationSeq,
) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO pending (sink, path, status, deletion, large)
         SELECT ?1, path, 'due', 1, 0 FROM observed o
         WHERE source = ?5 AND path >= ?2 AND path < ifnull(?3, x'') AND look < ?4
           AND (present = 1 OR EXISTS (SELECT 1 FROM applied a WHERE a.sink = ?1 AND a.path = o.path))
         UNION ALL
         SELECT sink, path, 'due', 1, 0 FROM applied a
         WHERE sink = ?1 AND path >= ?2 AND path < ifnull(?3, x'')
           AND NOT EXISTS (SELECT 1 FROM observed o WHERE o.source = ?5 AND o.path = a.path)
         ON CONFLICT (sink, path) DO UPDATE SET deletion = 1, large = 0, status = iif(status = 'held', 'held', 'due')",
    )?;
    let seq = if mutant::is("absence_is_judged_by_an_older_look") { i64::MAX } else { integer(seq.0) };
    statement.execute(params![sink.id, from, to, seq, sink.source])?;
    Ok(())
}

/// True if neither the source nor any of its sinks knows a key in the page's range.
fn is_new_ground(connection: &Connection, source: SourceId, page: &Page) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT NOT EXISTS (SELECT 1 FROM observed WHERE source = ?1 AND path >= ?2 AND path < ifnull(?3, x''))
            AND NOT EXISTS (SELECT 1 FROM permissions WHERE source = ?1 AND path >= ?2 AND path < ifnull(?3, x''))
            AND NOT EXISTS (SELECT 1 FROM sinks s WHERE s.source = ?1 AND (
                EXISTS (SELECT 1 FROM applied WHERE sink = s.id AND path >= ?2 AND path < ifnull(?3, x''))
                OR EXISTS (SELECT 1 FROM intents WHERE sink = s.id AND path >= ?2 AND path < ifnull(?3, x''))
                OR EXISTS (SELECT 1 FROM pending WHERE sink = s.id AND path >= ?2 AND path < ifnull(?3, x''))))",
    )?;
    let (from, to) = page.range();
    Ok(statement.query_row(params![source, from, to], |row| row.get(0))?)
}

/// Stores observations of unknown keys. Returns for each the number of sinks for which it is due.
fn store_first_observations(
    connection: &Connection,
    (source, sinks): (SourceId, &[RegisteredSink]),
    observations: &[Observation],
) -> Result<Vec<u64>, StateError> {
    let all: Vec<_> = observations.iter().map(|observation| (&observation.path, observed_now(observation))).collect();
    all.iter().try_for_each(|(path, observed)| observed::write(connection, source, path, observed))?;
    let mut to_do = vec![0; all.len()];
    for sink in sinks {
        add(&mut to_do, 0.., &requeue::queue_first(connection, *sink, &all)?);
    }
    Ok(to_do)
}

/// Stores each observation unless a newer one is stored. Returns for each the number of sinks for which it is due. A few statements read
/// all facts, whatever the number of observations. Each row is written by a statement of its own, which is the fastest in SQLite.
fn store_observations(
    connection: &Connection,
    (source, sinks): (SourceId, &[RegisteredSink]),
    observations: &[Observation],
) -> Result<Vec<u64>, StateError> {
    let before = observed::read_all(connection, source, observations.iter().map(|observation| &observation.path))?;
    // A store may list a key twice: its newest observation counts, and of equal ones the first.
    let mut newest: HashMap<_, usize> = HashMap::new();
    for (place, observation) in observations.iter().enumerate() {
        let best = newest.entry(&observation.path).or_insert(place);
        if observations[*best].seq < observation.seq {
            *best = place;
        }
    }
    // Whether content or storage class has changed, for each path with news.
    let (mut places, mut changed) = (Vec::new(), HashMap::new());
    for (place, (observation, before)) in observations.iter().zip(before).enumerate() {
        let is_older = before.as_ref().is_some_and(|before| before.seq >= observation.seq) && !mutant::is("an_older_look_wins");
        if is_older || newest[&observation.path] != place {
            continue;
        }
        observed::write(connection, source, &observation.path, &observed_now(observation))?;
        changed.insert(&observation.path, before.is_none_or(|before| differ(before.facts.as_ref(), observation.facts.as_ref())));
        places.push(place);
    }
    let mut to_do = vec![0; observations.len()];
    if places.is_empty() {
        return Ok(to_do);
    }
    let paths = || places.iter().map(|place| &observations[*place].path);
    for sink in sinks {
        let views = sides::views(connection, *sink, paths())?;
        let all: Vec<_> = paths().zip(&views).collect();
        let done = requeue::requeue_all(connection, *sink, &all, |path| Trigger::Observed { changed: changed[path] })?;
        add(&mut to_do, places.iter().copied(), &done);
    }
    Ok(to_do)
}

fn observed_now(observation: &Observation) -> Observed {
    Observed { facts: observation.facts.clone(), seq: observation.seq }
}

/// Adds a sink at each place where it has work.
fn add(to_do: &mut [u64], places: impl Iterator<Item = usize>, has_work: &[bool]) {
    for (place, has_work) in places.zip(has_work) {
        to_do[place] += u64::from(*has_work);
    }
}

/// True if two observations differ in content or storage class. A listing and a HEAD describe the same object differently: the precision of
/// the time differs, and one of them may have no version or no ETag.
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
