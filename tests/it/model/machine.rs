//! Plays a history, and compares: after each run, and after everything has come to rest.

use super::counts::Counts;
use super::judge;
use super::op::{Change, History, Op, Tell, Told};
use super::process::Process;
use super::reference::Reference;
use super::story;
use super::world::World;
use s3_sync::state::{RunKind, RunOutcome};
use s3_sync::workflow::Ended;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs without trouble in which everything must have come to rest.
const RUNS_TO_REST: usize = 4;

/// In every database of the model: an older look never overwrites a newer one. (What comes of it a later look heals, mostly.)
const NO_OLDER_LOOK: &str = "CREATE TRIGGER no_older_look BEFORE UPDATE ON observed WHEN NEW.look < OLD.look
    BEGIN SELECT RAISE (ABORT, 'an older look overwrites a newer one'); END;";

/// What playing a history showed.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) counts: Counts,
    pub(crate) trace: Vec<String>,
    /// Broken promises; none = all is well.
    pub(crate) violations: Vec<String>,
    /// Whose file was where in the end.
    pub(crate) ids: BTreeMap<String, u64>,
}

/// A history on its way.
struct Machine {
    world: Arc<World>,
    process: Process,
    backup: PathBuf,
    /// The file manager's paths when the backup was made.
    held_at_backup: Option<BTreeSet<String>>,
    /// Files that a restored state cannot know: made after its backup. Their objects may have gone since.
    unknowable: BTreeSet<String>,
    /// As long as nothing happened of which it knows nothing.
    reference: Option<Reference>,
}

/// Plays a history in a directory, which is emptied first.
pub(crate) fn play(history: &History, directory: &Path) -> Played {
    for name in ["sync.db", "sync.db-wal", "sync.db-shm", "sync.db.lock", "backup"] {
        // Most of them are not there.
        let _ = fs::remove_file(directory.join(name));
    }
    let empty = directory.join("empty");
    if empty.exists() {
        // Made once by the product, copied from then on: most of a short history would be migrations.
        fs::copy(&empty, directory.join("sync.db")).expect("a copy of an empty database");
    } else {
        Process::new(World::new(history.setup), directory).make();
        let guarded = rusqlite::Connection::open(directory.join("sync.db")).and_then(|database| database.execute_batch(NO_OLDER_LOOK));
        guarded.expect("a trigger");
        fs::copy(directory.join("sync.db"), &empty).expect("an empty database");
    }
    let world = World::new(history.setup);
    let process = Process::new(world.clone(), directory);
    let backup = directory.join("backup");
    let (held_at_backup, unknowable) = (None, BTreeSet::new());
    let mut machine = Machine { world, process, backup, held_at_backup, unknowable, reference: Some(Reference::default()) };
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
        let ids = inner.files.by_path.iter().map(|(path, file)| (path.clone(), file.id)).collect();
        Played { ids, counts: std::mem::take(&mut inner.counts), trace, violations: std::mem::take(&mut inner.violations) }
    }

    fn op(&mut self, op: Op) {
        {
            let mut inner = self.world.lock();
            inner.tell(format_args!("{op:?}"));
            inner.wait(1);
        }
        match op {
            Op::Change(change) => {
                let mut inner = self.world.lock();
                self.world.change(&mut inner, change);
            }
            Op::At(point, trouble) => {
                self.reference = None;
                self.world.lock().armed.push((point, trouble));
            }
            Op::Tell(tell) => {
                let mut inner = self.world.lock();
                inner.hear(tell);
                if let Some(reference) = &mut self.reference {
                    reference.tell(tell, inner.now);
                }
            }
            Op::Flood => {
                let mut inner = self.world.lock();
                self.reference = None;
                inner.tellings.some_are_lost();
                inner.counts.add("floods");
                for second in 0..100 {
                    let tell = Tell { what: Told::Create(0), ago: Some(second), notified: false };
                    inner.hear(tell);
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
        }
    }

    fn back_up(&mut self) {
        self.process.kill();
        if fs::copy(self.process.database(), &self.backup).is_ok() {
            self.world.lock().counts.add("backups");
            self.held_at_backup = Some(self.held());
        }
    }

    fn restore(&mut self) {
        let Some(known) = &self.held_at_backup else { return };
        self.process.kill();
        self.reference = None;
        fs::copy(&self.backup, self.process.database()).expect("the backup is there");
        self.world.lock().counts.add("restores");
        self.world.lock().evidence.forget();
        self.world.lock().tellings.restored();
        let since: Vec<_> = self.held().difference(known).cloned().collect();
        self.world.lock().files.may_be_sent_again.extend(since.iter().cloned());
        self.unknowable.extend(since);
    }

    fn held(&self) -> BTreeSet<String> {
        self.world.lock().files.by_path.keys().cloned().collect()
    }

    /// The notifications that wait are received.
    fn receive(&mut self) {
        if let Some(reference) = &mut self.reference {
            reference.receive(self.world.lock().now);
        }
        if let Some(Err(error)) = self.process.receive() {
            self.of_state(&error);
        }
    }

    /// One run, and what must hold right after it.
    fn run(&mut self, kind: RunKind, allowed: Option<u64>) -> Option<Ended> {
        let sent_before = self.world.lock().deletes_sent.len();
        let decided_before = self.open_deletes();
        self.world.lock().tellings.begin_run(kind != RunKind::Incremental);
        let ended = self.process.run(kind, allowed);
        let line = match &ended {
            None => "killed".to_owned(),
            Some(Ok(ended)) => format!("{:?}, success {}", ended.outcome, ended.report.success),
            Some(Err(error)) => format!("state: {error}"),
        };
        self.world.lock().tell(format_args!("   = {line}"));
        self.world.lock().counts.add(format!("runs {}", kind.as_str()));
        self.judge_deletes(sent_before, allowed.unwrap_or(0), decided_before);
        let ended = match ended? {
            Ok(ended) => ended,
            Err(error) => {
                self.of_state(&error);
                return None;
            }
        };
        // Told as a run that was stopped, and healed by the next one: a state that refuses what is written into it is a bug.
        let cause = self.world.lock().halt.cause();
        if let Some(error) = cause.filter(|error| error.reason == "state") {
            self.of_state(&error.message);
        }
        if !self.world.lock().present {
            self.reference = None;
        }
        if kind == RunKind::Incremental && ended.outcome == RunOutcome::Done {
            self.world.lock().tellings.all_used_up();
        }
        if let Some(reference) = &mut self.reference {
            let objects = self.world.lock().objects.clone();
            let now = self.world.lock().now;
            match kind {
                RunKind::Initial | RunKind::Reconcile => reference.list(&objects, self.world.setup, allowed, now),
                RunKind::Incremental => reference.replay(&objects, self.world.setup, allowed, now),
            }
            judge::identities(&self.world, reference);
            judge::refusals(&self.world);
        }
        if self.saw_it_all(&ended) {
            judge::contents(&self.world, &mut self.unknowable, "a run that was told to be a success");
        }
        Some(ended)
    }

    /// What the run found is what is there, and it says that all of it is done.
    fn saw_it_all(&self, ended: &Ended) -> bool {
        let inner = self.world.lock();
        ended.outcome == RunOutcome::Done && inner.listed_anew && !inner.changed_in_run
    }

    fn of_state(&self, error: &dyn Display) {
        self.world.lock().violated(format!("the state cannot be used: {error}"));
    }

    /// Deletes that an earlier run decided: they passed its guard, also those that it was killed before it could send.
    fn open_deletes(&self) -> u64 {
        let read_only = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(database) = rusqlite::Connection::open_with_flags(self.process.database(), read_only) else { return 0 };
        let counted = database.query_row("SELECT count(*) FROM intents WHERE effect = 'delete'", [], |row| row.get::<_, i64>(0));
        counted.map_or(0, i64::unsigned_abs)
    }

    /// The guard: what one run sends for the first time is within what it may. (What has no outcome yet passed the guard of an earlier one.)
    fn judge_deletes(&self, sent_before: usize, allowed: u64, decided_before: u64) {
        let mut inner = self.world.lock();
        let deleted = (inner.deletes_sent.len() - sent_before) as u64;
        let limit = self.world.setup.max_delete.max(allowed) + decided_before;
        if deleted > limit {
            inner.violated(format!("{deleted} deletes in a run that may send {limit}"));
        }
    }

    /// No trouble any more: everything must come to rest, and stay there.
    fn come_to_rest(&mut self) {
        {
            let mut inner = self.world.lock();
            inner.tell(format_args!("everything comes to rest"));
            inner.armed.clear();
            self.world.change(&mut inner, Change::Back);
            inner.wait(7 * 60 * 60);
        }
        self.receive();
        let done = |ended: Option<Ended>| ended.is_some_and(|ended| ended.outcome == RunOutcome::Done);
        if !(0..RUNS_TO_REST).any(|_| done(self.run(RunKind::Incremental, Some(1000)))) {
            return self.world.lock().violated(format!("no success in {RUNS_TO_REST} cycles without trouble"));
        }
        judge::told_contents(&self.world);
        let mut all_seen = || self.run(RunKind::Reconcile, Some(1000)).is_some_and(|ended| self.saw_it_all(&ended));
        if !(0..RUNS_TO_REST).any(|_| all_seen()) {
            return self.world.lock().violated(format!("no success in {RUNS_TO_REST} listings without trouble"));
        }
        judge::contents(&self.world, &mut self.unknowable, "rest");
        judge::permissions(&self.world);
        judge::state(&self.world, self.process.database(), &self.unknowable);
        let effects = self.world.lock().files.effects.len();
        story::judge(&self.world, self.process.database(), effects);
        let (effects, calls) = (self.world.lock().files.effects.len(), self.world.bucket.calls());
        self.run(RunKind::Incremental, None);
        if self.world.bucket.calls() != calls {
            self.world.lock().violated("a cycle with nothing to do called the bucket".to_owned());
        }
        self.run(RunKind::Reconcile, None);
        let mut inner = self.world.lock();
        if inner.files.effects.len() > effects {
            let more = format!("a run after everything came to rest had effects: {:?}", &inner.files.effects[effects..]);
            inner.violated(more);
        }
    }
}
