//! Compares a run with the situation before it, with the result that the references require, and with its own report.

use super::judge;
use super::machine::Machine;
use super::sinks::Sink;
use s3_sync::record::SinkName;
use s3_sync::state::{RunKind, RunOutcome};
use s3_sync::workflow::FinishedRun;

/// The situation when a run begins.
pub(super) struct Before {
    /// For each sink, the deletes sent so far and those decided by earlier runs.
    deletes: Vec<(usize, u64)>,
    /// True if any sink has rows.
    any_rows: bool,
    /// True if no trouble will strike in this run, apart from the sinks' conditions.
    pub(super) is_calm: bool,
}

impl Machine {
    /// The present situation.
    pub(super) fn before(&self) -> Before {
        let decided = self.of_each_sink("SELECT count(*) FROM intents WHERE sink = sinks.id AND effect = 'delete'");
        let rows = self.of_each_sink("applied_rows");
        let inner = self.world.lock();
        Before {
            deletes: inner.sinks.iter().map(|sink| sink.deletes_sent.len()).zip(decided).collect(),
            any_rows: rows.iter().sum::<u64>() > 0,
            is_calm: inner.armed.is_empty() && inner.lies.is_empty() && inner.present,
        }
    }

    /// Applies the run to the references, as far as its result is known.
    pub(super) fn refer(&mut self, (kind, allowed): (RunKind, Option<u64>), before: &Before) {
        let (objects, now, asked) = {
            let inner = self.world.lock();
            (inner.objects.clone(), inner.now, inner.evidence.asked.clone())
        };
        let many = self.references.len() > 1;
        let any_file = self.references.iter().flatten().any(|reference| !reference.files.is_empty()) || (many && before.any_rows);
        for (number, place) in self.references.iter_mut().enumerate() {
            let Some(reference) = place else { continue };
            match kind {
                RunKind::Initial | RunKind::Reconcile => reference.list(&objects, self.world.setup, allowed, any_file.then_some(now)),
                RunKind::Incremental => reference.replay(&objects, self.world.setup, allowed, now),
            }
            if many && asked.iter().any(|key| reference.is_news(key, objects.get(key).copied())) {
                self.world.lock().counts.add("observations of another sink that showed more");
                *place = None;
                continue;
            }
            self.world.lock().counts.add("runs compared with the reference");
            judge::identities(&self.world, number, reference);
            judge::refusals(&self.world, number);
        }
    }

    /// True if the run observed the present objects and reports that all work on this sink is done.
    pub(super) fn saw_it_all(&self, ended: &FinishedRun, (number, is_calm): (usize, bool)) -> bool {
        let inner = self.world.lock();
        let alone = || is_calm && inner.sinks.len() > 1 && ended.report.listing.completed && success_of(ended, &inner.sinks[number]);
        inner.listed_anew && !inner.changed_in_run && !inner.listing_lied && (ended.outcome == RunOutcome::Done || alone())
    }

    /// One number for each sink, the file manager first; zeros before there is a state.
    fn of_each_sink(&self, number: &str) -> Vec<u64> {
        let read_only = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(self.process.database(), read_only).ok();
        let names: Vec<_> = self.world.lock().sinks.iter().map(|sink| sink.name.clone()).collect();
        let one = |name: &SinkName| {
            let text = format!("SELECT ({number}) FROM sinks WHERE name = ?1");
            let read = database.as_ref()?.query_row(&text, [name.as_str()], |row| row.get::<_, i64>(0));
            read.ok().map(i64::unsigned_abs)
        };
        names.iter().map(|name| one(name).unwrap_or_default()).collect()
    }

    /// Checks the guard: the new deletes that a run sends to a sink stay within its limit. (A delete without an outcome has
    /// passed the guard of an earlier run.)
    pub(super) fn judge_deletes(&self, before: &Before, allowed: u64) {
        let mut inner = self.world.lock();
        for (number, (sent, decided)) in before.deletes.iter().enumerate() {
            let deleted = (inner.sinks[number].deletes_sent.len() - sent) as u64;
            let limit = self.world.setup.max_delete.max(allowed) + decided;
            if deleted > limit {
                let name = inner.sinks[number].name.clone();
                inner.violated(format!("{deleted} deletes of {name} in a run that may send {limit}"));
            }
        }
    }
}

fn success_of(ended: &FinishedRun, sink: &Sink) -> bool {
    ended.report.sinks.get(sink.name.as_str()).is_some_and(|report| report.success)
}
