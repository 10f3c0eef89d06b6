//! Plays a history, and checks it after each run and at the end.

use super::counts::Counts;
use super::judge;
use super::op::{Fate, History, ModelEvent, Op, Publication, Setup};
use super::process::Process;
use super::reference::Reference;
use super::sinks::Sink;
use super::world::World;
use s3_sync::state::{RunKind, RunOutcome};
use s3_sync::workflow::FinishedRun;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// In every database of the model: an older observation never overwrites a newer one, and none is removed at a path where a sink
/// holds a file. (Otherwise a later observation would usually hide the bug.)
const OBSERVATIONS_ARE_KEPT: &str = "CREATE TRIGGER no_older_observation BEFORE UPDATE ON observed WHEN NEW.look < OLD.look
    BEGIN SELECT RAISE (ABORT, 'an older observation overwrites a newer one'); END;
    CREATE TRIGGER no_observation_forgotten BEFORE DELETE ON observed WHEN EXISTS (SELECT 1 FROM applied WHERE path = OLD.path)
    BEGIN SELECT RAISE (ABORT, 'the observation of what a sink holds is forgotten'); END;";

/// The result of a history.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) counts: Counts,
    pub(crate) trace: Vec<String>,
    /// Violated invariants; none = success.
    pub(crate) violations: Vec<String>,
    /// The file's id at each path, at the end.
    pub(crate) ids: BTreeMap<String, u64>,
    pub(crate) ids_in_second: BTreeMap<String, u64>,
    /// The permissions in the state, by sink and path.
    pub(crate) permissions: BTreeMap<(String, String), Option<String>>,
}

/// A history that is being played.
pub(super) struct Machine {
    pub(super) world: Arc<World>,
    pub(super) process: Process,
    backup: PathBuf,
    /// One for each sink, until something happens that the reference does not model.
    pub(super) references: Vec<Option<Reference>>,
}

/// Plays a history in a directory, which it empties first.
pub(crate) fn play(history: &History, directory: &Path) -> Played {
    for name in ["sync.db", "sync.db-wal", "sync.db-shm", "sync.db.lock", "backup"] {
        // Most of these files do not exist.
        let _ = fs::remove_file(directory.join(name));
    }
    let empty = directory.join("empty");
    if empty.exists() {
        // Created once by the product and then copied: otherwise a short history would mostly run migrations.
        fs::copy(&empty, directory.join("sync.db")).expect("a copy of an empty database");
    } else {
        Process::new(World::new(Setup { second: None, ..history.setup }), directory).make();
        let guarded =
            rusqlite::Connection::open(directory.join("sync.db")).and_then(|database| database.execute_batch(OBSERVATIONS_ARE_KEPT));
        guarded.expect("a trigger");
        fs::copy(directory.join("sync.db"), &empty).expect("an empty database");
    }
    let world = World::new(history.setup);
    let process = Process::new(world.clone(), directory);
    let backup = directory.join("backup");
    let references = world.lock().sinks.iter().map(|sink| Some(Reference::new(sink.policy.renames))).collect();
    let mut machine = Machine { world, process, backup, references };
    for op in &history.ops {
        machine.op(*op);
        if !machine.world.lock().violations.is_empty() {
            return machine.played();
        }
    }
    machine.come_to_rest();
    machine.played()
}

impl Machine {
    fn played(mut self) -> Played {
        self.process.kill();
        let mut inner = self.world.lock();
        let trace = std::mem::take(&mut inner.trace);
        let mut ids = std::mem::take(&mut inner.ids).unwrap_or_else(|| inner.sinks.iter().map(Sink::ids).collect()).into_iter();
        let (ids, ids_in_second) = (ids.next().unwrap_or_default(), ids.next().unwrap_or_default());
        let permissions = std::mem::take(&mut inner.said);
        Played {
            ids,
            ids_in_second,
            permissions,
            counts: std::mem::take(&mut inner.counts),
            trace,
            violations: std::mem::take(&mut inner.violations),
        }
    }

    fn op(&mut self, op: Op) {
        {
            let mut inner = self.world.lock();
            inner.note(format_args!("{op:?}"));
            inner.wait(1);
        }
        match op {
            Op::Change(change) => {
                let mut inner = self.world.lock();
                self.world.change(&mut inner, change);
            }
            Op::At(point, trouble) => {
                self.nothing_is_certain();
                self.world.lock().armed.push((point, trouble));
            }
            Op::Publish(publication) => {
                let mut inner = self.world.lock();
                inner.publish(publication);
                self.references.iter_mut().flatten().for_each(|reference| reference.publish(publication, inner.now));
            }
            Op::Flood => {
                self.nothing_is_certain();
                let mut inner = self.world.lock();
                inner.published.some_are_lost();
                inner.counts.add("floods");
                for second in 0..100 {
                    let publication = Publication { what: ModelEvent::Create(0), ago: Some(second), notified: false };
                    inner.publish(publication);
                }
            }
            Op::Receive => self.receive(),
            Op::Run(kind, allowed) => drop(self.run(kind, allowed)),
            Op::Kill => {
                self.world.lock().counts.add("kills");
                self.process.kill();
            }
            Op::Wait { minutes } => self.world.lock().wait(60 * i64::from(minutes)),
            Op::Backup => self.back_up(),
            Op::Restore => self.restore(),
            Op::Sink(number, fate) => self.meets(number, fate),
        }
    }

    fn back_up(&mut self) {
        self.process.kill();
        if fs::copy(self.process.database(), &self.backup).is_ok() {
            self.world.lock().counts.add("backups");
            let mut inner = self.world.lock();
            inner.sinks.iter_mut().for_each(|sink| sink.held_at_backup = Some(sink.known_to_the_state()));
        }
    }

    fn restore(&mut self) {
        if self.world.lock().sinks[0].held_at_backup.is_none() {
            return;
        }
        self.process.kill();
        self.nothing_is_certain();
        fs::copy(&self.backup, self.process.database()).expect("the backup is there");
        let mut inner = self.world.lock();
        inner.counts.add("restores");
        inner.evidence.forget();
        inner.published.restored();
        inner.sinks.iter_mut().for_each(Sink::state_was_set_back);
    }

    /// A sink changes.
    pub(super) fn meets(&mut self, number: usize, fate: Fate) {
        let mut inner = self.world.lock();
        let Some(sink) = inner.sinks.get_mut(number) else { return };
        sink.meets(fate);
        let name = sink.name.clone();
        inner.counts.add(fate.name());
        drop(inner);
        if fate == Fate::New {
            self.process.start_over(name);
        }
        if fate != Fate::Copied {
            self.references[number] = None;
        }
    }

    fn nothing_is_certain(&mut self) {
        self.references.fill(None);
    }

    /// Receives the waiting notifications.
    pub(super) fn receive(&mut self) {
        let now = self.world.lock().now;
        self.references.iter_mut().flatten().for_each(|reference| reference.receive(now));
        if let Some(Err(error)) = self.process.receive() {
            self.of_state(&error);
        }
    }

    /// Makes one run and checks what must hold right after it.
    pub(super) fn run(&mut self, kind: RunKind, allowed: Option<u64>) -> Option<FinishedRun> {
        let before = self.before();
        self.world.lock().published.begin_run(kind != RunKind::Incremental);
        let ended = self.process.run(kind, allowed);
        let line = match &ended {
            None => "killed".to_owned(),
            Some(Ok(ended)) => format!("{:?}, success {}", ended.outcome, ended.report.success),
            Some(Err(error)) => format!("state: {error}"),
        };
        self.world.lock().note(format_args!("   = {line}"));
        self.world.lock().counts.add(format!("runs {}", kind.as_str()));
        self.judge_deletes(&before, allowed.unwrap_or(0));
        let ended = match ended? {
            Ok(ended) => ended,
            Err(error) => {
                self.of_state(&error);
                return None;
            }
        };
        // The report would call the run stopped, and the next one would repair it. But a state that refuses a write is a bug.
        let cause = self.world.lock().stop_signal.cause();
        if let Some(error) = cause.filter(|error| error.reason == "state") {
            self.of_state(&error.message);
        }
        if !self.world.lock().present {
            self.nothing_is_certain();
        }
        if kind == RunKind::Incremental && ended.outcome == RunOutcome::Done {
            self.world.lock().published.all_consumed();
        }
        self.refer((kind, allowed), &before);
        judge::independence(&self.world, &ended, before.is_calm);
        for number in self.sinks() {
            if self.saw_it_all(&ended, (number, before.is_calm)) {
                judge::contents(&self.world, number, "a run that reported success");
            }
        }
        Some(ended)
    }

    pub(super) fn sinks(&self) -> std::ops::Range<usize> {
        0..self.references.len()
    }

    fn of_state(&self, error: &dyn Display) {
        self.world.lock().violated(format!("the state cannot be used: {error}"));
    }
}
