//! The end of a history, without trouble: every sink must be in sync and stay so. Then a sink that lost everything is restored
//! with `--new-sink`, while the others stay unchanged.

use super::judge;
use super::machine::Machine;
use super::op::{Change, Condition, Fate};
use super::recorded_history;
use super::sinks::Sink;
use s3_sync::state::{RunKind, RunOutcome};
use s3_sync::workflow::FinishedRun;

/// The number of runs without trouble after which every sink must be in sync.
const RUNS_TO_REST: usize = 4;

impl Machine {
    /// Ends all trouble: every sink must become in sync, and stay so.
    pub(super) fn come_to_rest(&mut self) {
        {
            let mut inner = self.world.lock();
            inner.note(format_args!("everything comes to rest"));
            inner.armed.clear();
            inner.lies.clear();
            self.world.change(&mut inner, Change::Back);
            inner.wait(7 * 60 * 60);
            inner.sinks.iter_mut().for_each(|sink| sink.condition = Condition::Up);
        }
        for number in self.sinks() {
            if self.world.lock().sinks[number].files.is_astray {
                self.meets(number, Fate::New);
            }
        }
        self.receive();
        if self.world.lock().phantom_shown {
            // Until a listing no longer shows the object, its path is a failure of every cycle.
            self.run(RunKind::Reconcile, Some(1000));
        }
        let done = |ended: Option<FinishedRun>| ended.is_some_and(|ended| ended.outcome == RunOutcome::Done);
        if !(0..RUNS_TO_REST).any(|_| done(self.run(RunKind::Incremental, Some(1000)))) {
            return self.world.lock().violated(format!("no success in {RUNS_TO_REST} cycles without trouble"));
        }
        judge::reported_contents(&self.world);
        if !(0..RUNS_TO_REST).any(|_| self.sees_all()) {
            return self.world.lock().violated(format!("no success in {RUNS_TO_REST} listings without trouble"));
        }
        for number in self.sinks() {
            judge::contents(&self.world, number, "rest");
            judge::permissions(&self.world, number);
            judge::state(&self.world, number, self.process.database());
        }
        recorded_history::judge(&self.world, self.process.database(), self.effects().iter().sum());
        let (effects, calls) = (self.effects(), self.world.bucket.calls());
        self.run(RunKind::Incremental, None);
        if self.world.bucket.calls() != calls {
            self.world.lock().violated("a cycle with nothing to do called the bucket".to_owned());
        }
        self.run(RunKind::Reconcile, None);
        self.nothing_happened_since(&effects, "a run after everything came to rest");
        {
            let mut inner = self.world.lock();
            inner.ids = Some(inner.sinks.iter().map(Sink::ids).collect());
        }
        if self.sinks().len() > 1 {
            self.one_is_lost_and_brought_back(effects.iter().sum::<usize>() % 2);
        }
    }

    /// One sink loses its files, and the operator says so.
    fn one_is_lost_and_brought_back(&mut self, number: usize) {
        self.meets(number, Fate::SetBack);
        self.meets(number, Fate::New);
        let effects = self.effects();
        if !(0..RUNS_TO_REST).any(|_| self.sees_all()) {
            return self.world.lock().violated(format!("no success in {RUNS_TO_REST} listings after --new-sink"));
        }
        judge::contents(&self.world, number, "--new-sink");
        judge::permissions(&self.world, number);
        judge::state(&self.world, number, self.process.database());
        let others: Vec<_> = effects.iter().enumerate().map(|(other, before)| (other != number).then_some(*before)).collect();
        let now = self.effects();
        let others: Vec<_> = others.into_iter().zip(&now).map(|(before, now)| before.unwrap_or(*now)).collect();
        self.nothing_happened_since(&others, "--new-sink of another sink");
    }

    fn sees_all(&mut self) -> bool {
        let ended = self.run(RunKind::Reconcile, Some(1000));
        ended.is_some_and(|ended| ended.outcome == RunOutcome::Done && self.saw_it_all(&ended, (0, true)))
    }

    /// The number of effects of each sink.
    fn effects(&self) -> Vec<usize> {
        self.world.lock().sinks.iter().map(|sink| sink.files.effects.len()).collect()
    }

    fn nothing_happened_since(&self, effects: &[usize], what: &str) {
        let mut inner = self.world.lock();
        for (number, effects) in effects.iter().enumerate() {
            let sink = &inner.sinks[number];
            if sink.files.effects.len() > *effects {
                let more = format!("{what} had effects in {}: {:?}", sink.name, &sink.files.effects[*effects..]);
                inner.violated(more);
            }
        }
    }
}
