//! Removes obsolete rows: unreferenced tombstones, old runs, old history.

use crate::record::ObservationSeq;
use crate::state::database::codec::{integer, time};
use crate::state::database::connection::{blocking, open_to_read};
use crate::state::database::meta::{read_meta, write_meta};
use crate::state::error::StateError;
use crate::state::handle::Maintenance;
use crate::state::tables::runs::RECONCILED;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

/// The minimum age of a tombstone before its removal, so that a late event about its path still finds it.
const TOMBSTONES_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Tombstones read at a time. So many paths are in memory.
const TOMBSTONES_A_PASS: usize = 50_000;
/// Rows per transaction. Few, so that no other transaction waits long for the writer.
const ROWS_A_TRANSACTION: usize = 500;
/// The number of kept runs. `status` shows the last ten; the table must not grow for ever.
const RUNS_KEPT: u64 = 1000;
/// The number of kept history rows. The oldest beyond it are removed.
const MAX_HISTORY_ROWS: u64 = 1_000_000;
/// The age up to which a row of history is kept.
const HISTORY_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Rows per transaction. More than for tombstones, because they are adjacent.
const HISTORY_ROWS_A_TRANSACTION: u64 = 5_000;

/// The name of a row of `meta`, with the mark up to which tombstones may be removed and its time: `seq@microseconds`.
const MARK: &str = "tombstones_up_to";

/// No sink holds the path, may hold it, or has work on it, and no reported permissions are kept for it.
const UNREFERENCED: &str = "source = (SELECT id FROM sources) AND present = 0 AND look < ?1
    AND NOT EXISTS (SELECT 1 FROM applied a WHERE a.sink IN (SELECT id FROM sinks) AND a.path = o.path)
    AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sink IN (SELECT id FROM sinks) AND (i.path = o.path OR i.new_path = o.path))
    AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink IN (SELECT id FROM sinks) AND (l.path = o.path OR l.origin = o.path))
    AND NOT EXISTS (SELECT 1 FROM permissions t WHERE t.source = o.source AND t.path = o.path)
    AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.sink IN (SELECT id FROM sinks) AND p.path = o.path)";

impl Maintenance {
    /// Once a day, the observation below which tombstones may be removed. `in_flight` is the oldest observation whose response
    /// may still come: newer tombstones stay, because that response may show an object that has been deleted since.
    pub async fn tombstones_due(&self, in_flight: ObservationSeq, now: Timestamp) -> Result<Option<ObservationSeq>, StateError> {
        self.state.writer.call(move |connection| move_mark(connection, in_flight, now)).await
    }

    /// Deletes the unreferenced tombstones below an observation and returns their number. May run beside a sync run, whose
    /// observations are newer.
    pub async fn tombstones_prune(&self, below: ObservationSeq) -> Result<u64, StateError> {
        self.prune_tombstones_by(TOMBSTONES_A_PASS, below).await
    }

    async fn prune_tombstones_by(&self, a_pass: usize, below: ObservationSeq) -> Result<u64, StateError> {
        let (mut pruned, mut after) = (0, String::new());
        loop {
            let database = self.state.path.clone();
            let paths = blocking(move || unreferenced(&open_to_read(&database)?, below, &after, a_pass)).await?;
            for chunk in paths.chunks(ROWS_A_TRANSACTION) {
                let chunk = chunk.to_vec();
                pruned += self.state.writer.call(move |connection| prune(connection, &chunk, below)).await?;
            }
            match paths.into_iter().next_back() {
                Some(last) => after = last,
                None => return Ok(pruned),
            }
        }
    }

    /// Deletes old runs; returns how many.
    pub async fn runs_prune(&self) -> Result<u64, StateError> {
        self.state
            .writer
            .call(|connection| {
                let last: i64 = connection.query_row("SELECT coalesce(max(number), 0) FROM runs", [], |row| row.get(0))?;
                let kept_from = last.unsigned_abs().saturating_sub(RUNS_KEPT);
                // The last reconcile may lie far behind many short cycles.
                let text =
                    format!("DELETE FROM runs WHERE number <= ?1 AND number IS NOT (SELECT max(number) FROM runs WHERE {RECONCILED})");
                Ok(connection.execute(&text, [integer(kept_from)])? as u64)
            })
            .await
    }

    /// Deletes history rows that are too old or beyond the limit; returns how many.
    pub async fn history_prune(&self, now: Timestamp) -> Result<u64, StateError> {
        self.prune_history_to(MAX_HISTORY_ROWS, now).await
    }

    async fn prune_history_to(&self, rows_max: u64, now: Timestamp) -> Result<u64, StateError> {
        let mut pruned = 0;
        loop {
            let gone = self.state.writer.call(move |connection| prune_history(connection, rows_max, now)).await?;
            pruned += gone;
            if gone < HISTORY_ROWS_A_TRANSACTION {
                return Ok(pruned);
            }
        }
    }
}

/// One transaction's share, from the oldest row on.
fn prune_history(connection: &Connection, rows_max: u64, now: Timestamp) -> Result<u64, StateError> {
    let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM history", [], |row| row.get(0))?;
    let too_old = now.checked_sub(HISTORY_KEPT).unwrap_or(Timestamp::MIN).as_microsecond();
    // The newest row stays, because the next row gets the number after it.
    let mut statement = connection.prepare_cached(
        "DELETE FROM history WHERE id IN (SELECT id FROM history ORDER BY id LIMIT ?1) AND (id <= ?2 OR at < ?3) AND id < ?4",
    )?;
    Ok(statement.execute(params![integer(HISTORY_ROWS_A_TRANSACTION), last - integer(rows_max), too_old, last])? as u64)
}

/// Returns the mark if it is a day old, and sets a new one then.
fn move_mark(connection: &Connection, in_flight: ObservationSeq, now: Timestamp) -> Result<Option<ObservationSeq>, StateError> {
    let old = read_meta(connection, MARK)?.and_then(|text| {
        let (seq, at) = text.split_once('@')?;
        Some((ObservationSeq(seq.parse().ok()?), time(at.parse().ok()?)?))
    });
    if old.is_some_and(|(_, at)| now.duration_since(at) < TOMBSTONES_KEPT && now >= at) {
        return Ok(None);
    }
    write_meta(connection, MARK, &format!("{}@{}", in_flight.0, now.as_microsecond()))?;
    Ok(old.map(|(seq, _)| seq.min(in_flight)))
}

fn unreferenced(connection: &Connection, below: ObservationSeq, after: &str, most: usize) -> Result<Vec<String>, StateError> {
    let text = format!("SELECT path FROM observed o WHERE path > ?2 AND {UNREFERENCED} ORDER BY path LIMIT ?3");
    let mut statement = connection.prepare(&text)?;
    let rows = statement.query_map(params![integer(below.0), after, integer(most as u64)], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Checks the condition again in the deleting transaction: a path may be referenced by now.
fn prune(connection: &Connection, paths: &[String], below: ObservationSeq) -> Result<u64, StateError> {
    let mut statement = connection.prepare_cached(&format!("DELETE FROM observed AS o WHERE {UNREFERENCED} AND path = ?2"))?;
    paths.iter().try_fold(0, |pruned, path| Ok(pruned + statement.execute(params![integer(below.0), path])? as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::record::{ETag, FileRecord, ObjectFacts, ObjectKey};
    use crate::state::inbox_tests::file_manager;
    use crate::state::{Attempts, Observation, RunKind, RunOutcome, State};

    fn key(raw: &str) -> ObjectKey {
        ObjectKey::new(raw).expect("not empty")
    }

    async fn observe(state: &State, path: &str, there: Option<&str>) {
        let facts =
            there.map(|etag| ObjectFacts { size: 3, etag: ETag::parse(etag), last_modified: None, storage_class: None, version_id: None });
        state
            .source()
            .observations_record(vec![Observation { path: key(path), facts, seq: state.source().observation_next() }])
            .await
            .expect("stored");
    }

    async fn observed(state: &State) -> Vec<String> {
        let rows = state.writer.call(|connection| {
            let mut statement = connection.prepare("SELECT path FROM observed ORDER BY path")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        rows.await.expect("read")
    }

    #[tokio::test]
    async fn a_tombstone_is_pruned_after_a_day_when_nothing_refers_to_it_and_no_older_observation_is_in_flight() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let sink = file_manager(&state).await;
        let day = |number: i64| Timestamp::from_second(number * 86_400).expect("a day");
        observe(&state, "gone", None).await;
        observe(&state, "held", Some("e")).await;
        let held = FileRecord { size: Some(3), etag: ETag::parse("e"), ..FileRecord::at(key("held")) };
        sink.applied_record(held, Attempts::default()).await.expect("stored");
        observe(&state, "held", None).await;
        observe(&state, "there", Some("e")).await;
        let slow = state.source().observation_next();
        observe(&state, "late", None).await;
        let prune =
            async |in_flight: ObservationSeq, at: i64| match state.maintenance().tombstones_due(in_flight, day(at)).await.expect("asked") {
                Some(below) => state.maintenance().tombstones_prune(below).await.expect("pruned"),
                None => 0,
            };

        assert_eq!(prune(state.source().observation_next(), 1).await, 0, "the first pass only sets the mark");
        observe(&state, "young", None).await;
        assert_eq!(prune(state.source().observation_next(), 1).await, 0, "and it is not a day old");
        assert_eq!(prune(slow, 2).await, 1, "an observation in flight is older than `late`");
        assert_eq!(observed(&state).await, ["held", "late", "there", "young"]);
        observe(&state, "youngest", None).await;
        assert_eq!(prune(state.source().observation_next(), 3).await, 0, "the mark was not set beyond the observation in flight");
        assert_eq!(prune(state.source().observation_next(), 4).await, 3);
        assert_eq!(observed(&state).await, ["held", "there"], "what the sink holds keeps its tombstone");
    }

    /// A pass ended after fifty thousand tombstones, and the next one came a day later: with more than that per day, the state
    /// grew for ever.
    #[tokio::test]
    async fn all_removable_tombstones_are_removed_in_one_pass() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        for path in ["a", "b", "c", "d", "e"] {
            observe(&state, path, None).await;
            observe(&state, &format!("{path} is there"), Some("e")).await;
        }
        let day = |number: i64| Timestamp::from_second(number * 86_400).expect("a day");
        assert_eq!(state.maintenance().tombstones_due(state.source().observation_next(), day(1)).await.expect("asked"), None);
        let below =
            state.maintenance().tombstones_due(state.source().observation_next(), day(2)).await.expect("asked").expect("a day has passed");
        assert_eq!(state.maintenance().prune_tombstones_by(2, below).await.expect("pruned"), 5);
        assert_eq!(observed(&state).await.len(), 5);
    }

    #[tokio::test]
    async fn old_runs_are_removed_and_their_numbers_not_reused() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        for (number, kind) in [
            (1, RunKind::Reconcile),
            (2, RunKind::Reconcile),
            (3, RunKind::Incremental),
            (500, RunKind::Incremental),
            (1200, RunKind::Incremental),
        ] {
            let begun = state.runs().begin(kind, Timestamp::UNIX_EPOCH, number).await.expect("begun");
            if kind == RunKind::Reconcile {
                state.source().listing_complete(begun, Timestamp::UNIX_EPOCH).await.expect("listed");
            }
            // That a source was silent says nothing about what was listed.
            state.runs().end(begun, RunOutcome::Failed, Timestamp::UNIX_EPOCH, String::new()).await.expect("ended");
        }
        assert_eq!(state.maintenance().runs_prune().await.expect("pruned"), 2);
        let left = state.overview().await.expect("read").runs;
        assert_eq!(left.iter().map(|run| run.number).collect::<Vec<_>>(), [1201, 501, 3], "the last reconcile is the oldest");
        assert_eq!(state.runs().last_number().await.expect("read"), 1201);
    }
    #[derive(Debug)]
    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0 * 86_400).expect("a day")
        }
    }

    #[tokio::test]
    async fn history_is_bounded_by_its_age_and_by_its_rows_and_its_numbers_go_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let opened = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let on = |day: i64| opened.clone().with_clock(std::sync::Arc::new(At(day)));
        let days = async || -> Vec<i64> {
            let days = opened.writer.call(|connection| {
                let mut statement = connection.prepare("SELECT at / 86400000000 FROM history ORDER BY id")?;
                let days = statement.query_map([], |row| row.get(0))?;
                Ok(days.collect::<Result<_, _>>()?)
            });
            days.await.expect("read")
        };
        for day in [100, 110, 120, 200, 210] {
            file_manager(&on(day)).await.deleted_record(&key("a"), Attempts::default()).await.expect("stored");
        }
        let now = |day| At(day).now();
        assert_eq!(opened.maintenance().history_prune(now(190)).await.expect("pruned"), 0, "ninety days are kept");
        assert_eq!(opened.maintenance().history_prune(now(205)).await.expect("pruned"), 2);
        assert_eq!(days().await, [120, 200, 210]);
        assert_eq!(opened.maintenance().prune_history_to(2, now(205)).await.expect("pruned"), 1);
        assert_eq!(days().await, [200, 210]);
        assert_eq!(opened.maintenance().history_prune(now(1000)).await.expect("pruned"), 1, "the newest one is never thrown away");
        file_manager(&on(1000)).await.deleted_record(&key("a"), Attempts::default()).await.expect("stored");
        let newest =
            opened.writer.call(|connection| Ok(connection.query_row("SELECT max(id) FROM history", [], |row| row.get::<_, i64>(0))?));
        assert_eq!(newest.await.expect("read"), 6);
    }

    #[tokio::test]
    async fn a_long_history_is_removed_in_steps() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let fill = |connection: &Connection| {
            let text = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 12000)
                        INSERT INTO history (id, at, run, path, what) SELECT n, 0, 1, 'a', '{}' FROM n";
            Ok(connection.execute(text, [])?)
        };
        assert_eq!(state.writer.call(fill).await.expect("filled"), 12_000);
        assert_eq!(state.maintenance().prune_history_to(10, Timestamp::UNIX_EPOCH).await.expect("pruned"), 11_990);
    }
}
