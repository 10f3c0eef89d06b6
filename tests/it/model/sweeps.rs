//! Histories with one trouble at every point of a run. Some of these points are too rare by chance.

use super::machine::{Played, play};
use super::op::{ApiTrouble, Change, History, ModelEvent, Op, Publication, S3Trouble, Setup, Trouble, WrittenAs};
use super::runner;
use s3_sync::state::RunKind;
use std::collections::BTreeSet;
use std::path::Path;

pub(super) const PLAIN: Setup = Setup {
    seed: 0,
    page_keys: 1000,
    concurrency: 2,
    attempts: 1,
    max_delete: 100,
    prefix: "",
    honours_if_match: true,
    lists_in_order: true,
    written_keys: WrittenAs::Certain,
    cursor: false,
    second: None,
};

pub(super) const CYCLE: Op = Op::Run(RunKind::Incremental, None);
pub(super) const RECONCILE: Op = Op::Run(RunKind::Reconcile, None);

/// Trouble after which the result is certain: with the ledger, every effect happens once.
const TROUBLES: [&[Trouble]; 5] = [CRASH, &[Trouble::Stop], TIMEOUT, NO_ANSWER, &[Trouble::S3(S3Trouble::Server)]];

const FAILED_LOOKUPS: [&[Trouble]; 2] = [&[Trouble::S3(S3Trouble::Server)], &[Trouble::S3(S3Trouble::AccessDenied)]];
const IN_A_CHAIN: [&[Trouble]; 6] =
    [CRASH, &[Trouble::Stop], TIMEOUT, NO_ANSWER, &[Trouble::Api(ApiTrouble::Busy)], &[Trouble::S3(S3Trouble::Server)]];

/// A history without trouble: its result is known exactly.
pub(super) const NOTHING: &[Trouble] = &[];
pub(super) const CRASH: &[Trouble] = &[Trouble::Crash];
const TIMEOUT: &[Trouble] = &[Trouble::Api(ApiTrouble::Timeout)];
const NO_ANSWER: &[Trouble] = &[Trouble::Api(ApiTrouble::EffectThenReset)];
/// The next call is refused.
const NO_ANSWER_THEN_NO: &[Trouble] = &[Trouble::Api(ApiTrouble::EffectThenReset), Trouble::Api(ApiTrouble::Refused)];

/// Faults of a body.
const BODIES: [&[Trouble]; 4] = [
    &[Trouble::S3(S3Trouble::WrongByte)],
    &[Trouble::S3(S3Trouble::ShortBody)],
    &[Trouble::S3(S3Trouble::LongBody)],
    &[Trouble::S3(S3Trouble::BrokenBody)],
];

/// One kind of trouble at every point of a run.
pub(crate) struct Sweep {
    pub(crate) name: &'static str,
    pub(super) before: Vec<Op>,
    /// The alternatives, each of which strikes at one point: one history for each alternative and point.
    pub(super) troubles: &'static [&'static [Trouble]],
    pub(super) run: Op,
    pub(super) then: Vec<Op>,
    /// The ids of all files at the end, in each sink, counted in order of creation; empty = any.
    pub(super) ids: &'static [u64],
    /// The permissions of a file in the state at the end: sink, path, value.
    pub(super) says: Option<(&'static str, &'static str, &'static str)>,
    pub(super) setup: Setup,
    /// The number of interleavings.
    pub(super) seeds: u64,
}

impl Sweep {
    /// All sweeps.
    #[cfg(feature = "mutants")]
    pub(crate) fn all() -> Vec<Self> {
        renames()
            .into_iter()
            .chain(effects_without_an_outcome())
            .chain(events())
            .chain(surprises())
            .chain(super::sink_sweeps::all())
            .chain(super::listing_sweeps::all())
            .collect()
    }

    /// The histories with trouble at this point, in several interleavings. Without trouble, the point makes no difference.
    fn histories(&self, point: u16) -> impl Iterator<Item = (&'static [Trouble], History)> {
        self.troubles.iter().filter(move |troubles| point == 0 || !troubles.is_empty()).flat_map(move |troubles| {
            (0..self.seeds).map(move |seed| {
                let struck: Vec<_> = troubles.iter().map(|trouble| Op::At(point, *trouble)).collect();
                let ops = [&self.before[..], &struck, &[self.run], &self.then, &[Op::Wait { minutes: 600 }, CYCLE]].concat();
                (*troubles, History { setup: Setup { seed, ..self.setup }, ops })
            })
        })
    }

    /// Plays all histories. Returns the number of points of the run, or the first violation for which `counts` returns true.
    pub(crate) fn play(&self, directory: &Path, counts: impl Fn(&History) -> bool) -> Result<u16, String> {
        let mut points = 0;
        loop {
            let mut struck = false;
            for (troubles, history) in self.histories(points) {
                let played = play(&history, directory);
                struck |= troubles.first().is_some_and(|trouble| played.trace.contains(&format!("     ! {trouble:?}")));
                if let Some(broken) = played.violations.first().cloned().or_else(|| self.lost(&played))
                    && counts(&history)
                {
                    return Err(format!("{troubles:?} at point {points}: {broken}\n{}", played.trace.join("\n")));
                }
            }
            if !struck {
                return Ok(points);
            }
            points += 1;
        }
    }

    /// What is missing.
    fn lost(&self, played: &Played) -> Option<String> {
        let all = [(&played.ids, 0), (&played.ids_in_second, 1)].into_iter().take(1 + usize::from(self.setup.second.is_some()));
        for (held, number) in all.filter(|_| !self.ids.is_empty()) {
            let ids: BTreeSet<_> = held.values().copied().collect();
            if held.len() != ids.len() || !ids.iter().eq(self.ids) {
                return Some(format!("a file lost its identity in sink {number}: {held:?}"));
            }
        }
        let (sink, path, permissions) = self.says?;
        let said = played.permissions.get(&(sink.to_owned(), path.to_owned())).cloned().flatten();
        (said.as_deref() != Some(permissions)).then(|| format!("the state says of {path:?} in {sink}: {said:?}"))
    }
}

pub(super) fn sweep(name: &'static str, before: &[&[Op]], troubles: &'static [&'static [Trouble]], then: &[&[Op]]) -> Sweep {
    let (before, then) = (before.concat(), then.concat());
    Sweep { name, before, troubles, run: CYCLE, then, ids: &[], says: None, setup: PLAIN, seeds: 1 }
}

/// A file whose rename an event reported keeps its id.
fn renames() -> [Sweep; 5] {
    let (here, there, further) = (applied_at_0(), renamed(0, 1), renamed(1, 3));
    let two =
        [&changed(Change::Put(0, 1), ModelEvent::Create(0))[..], &changed(Change::Put(1, 2), ModelEvent::Create(1)), &[CYCLE]].concat();
    let one_file = [
        sweep("a rename", &[&here, &there], &TROUBLES, &[]),
        sweep("two renames", &[&here, &there, &further], &[CRASH, NO_ANSWER], &[]),
        // (If the first rename was sent and not answered, its paths are in doubt, and the design does not keep the id.)
        sweep("a rename that did not come to its turn, and another", &[&here, &there], &[&[Trouble::Stop]], &[&further, &[CYCLE]]),
        sweep(
            "a rename that waits, and an event that names it",
            &[&here, &there],
            &[TIMEOUT, NO_ANSWER],
            &[&published(ModelEvent::Permissions(1, 1)), &[CYCLE]],
        ),
    ]
    .map(|sweep| Sweep { ids: &[1], ..sweep });
    let [one, other, third, fourth] = one_file;
    // The second move waits until the first has left its target.
    let chain = Sweep { ids: &[1, 2], ..sweep("a chain of renames", &[&two, &further, &there], &IN_A_CHAIN, &[]) };
    [one, other, third, fourth, chain]
}

/// Effects without an outcome, whose object has changed, disappeared or come back by then.
fn effects_without_an_outcome() -> [Sweep; 6] {
    let here = applied_at_0();
    let [put, other] = [1, 2].map(|content| changed(Change::Put(0, content), ModelEvent::Create(0)));
    let gone = changed(Change::Delete(0), ModelEvent::Delete(0));
    let asked_and_not_answered = [Trouble::Api(ApiTrouble::Refused), TIMEOUT[0], TIMEOUT[0]].map(|trouble| Op::At(0, trouble));
    let not_created = [&[Op::Change(Change::Put(0, 1))], &asked_and_not_answered[..], &[RECONCILE]].concat();
    [
        sweep(
            "a delete, and the object is back",
            &[&here, &gone],
            &[CRASH, TIMEOUT, NO_ANSWER],
            &[&[Op::Change(Change::Put(0, 1)), CYCLE]],
        ),
        Sweep {
            setup: Setup { attempts: 2, ..PLAIN },
            ..sweep("a create that is not answered, and then refused", &[&put], &[NO_ANSWER_THEN_NO], &[])
        },
        sweep(
            "a rename, and the object goes",
            &[&here, &renamed(0, 1)],
            &[CRASH, NO_ANSWER],
            &[&changed(Change::Delete(1), ModelEvent::Delete(1)), &[CYCLE]],
        ),
        // A create without an outcome is looked up again during the first listing: the page's observation is older.
        Sweep {
            run: RECONCILE,
            seeds: 4,
            setup: Setup { attempts: 2, ..PLAIN },
            ..sweep(
                "a create without an outcome, and a page that takes its time",
                &[&not_created],
                &[&[Trouble::S3(S3Trouble::Throttled)]],
                &[],
            )
        },
        // A call without an answer before the backup was answered after it, and its content is no longer there.
        sweep(
            "a backup of what a crash left, and the content is back",
            &[&put],
            &[CRASH],
            &[&[Op::Backup, CYCLE], &other, &[CYCLE, Op::Restore], &put, &[CYCLE]],
        ),
        sweep(
            "a backup of what a crash left, and the file is another",
            &[&put],
            &[CRASH],
            &[&[Op::Backup, CYCLE], &gone, &[CYCLE], &put, &[CYCLE, Op::Restore, CYCLE]],
        ),
    ]
}

/// Events that are published and not yet consumed.
fn events() -> [Sweep; 5] {
    let notified = [Op::Change(Change::Put(1, 1)), Op::Publish(Publication { what: ModelEvent::Create(1), ago: Some(0), notified: true })];
    let put = changed(Change::Put(0, 1), ModelEvent::Create(0));
    let older = [Op::Publish(Publication { what: ModelEvent::Permissions(0, 1), ago: Some(60), notified: false })];
    [
        Sweep { run: Op::Receive, ..sweep("a notification", &[&notified], &[CRASH], &[&[CYCLE]]) },
        sweep(
            "an event, and a lookup that fails",
            &[&applied_at_0(), &changed(Change::Put(0, 2), ModelEvent::Create(0))],
            &FAILED_LOOKUPS,
            &[],
        ),
        // Permissions that no path has by default.
        sweep(
            "permissions, and the object comes later",
            &[&published(ModelEvent::Permissions(0, 3))],
            &[NOTHING, CRASH],
            &[&put, &[CYCLE]],
        ),
        sweep("permissions reported late", &[&applied_at_0(), &older], &[NOTHING, CRASH, TIMEOUT], &[]),
        sweep(
            "permissions, and a rename before anything was sent",
            &[&put, &published(ModelEvent::Permissions(0, 3)), &renamed(0, 1)],
            &[NOTHING, CRASH, NO_ANSWER],
            &[],
        ),
    ]
}

/// The object differs from the observed one.
fn surprises() -> [Sweep; 3] {
    let put = changed(Change::Put(0, 2), ModelEvent::Create(0));
    let two = [&put[..], &changed(Change::Put(1, 3), ModelEvent::Create(1)), &[CYCLE]].concat();
    [
        sweep("a rename to where another file is", &[&two, &renamed(0, 1)], &[NOTHING, CRASH, NO_ANSWER], &[]),
        sweep("a body on its way", &[&put], &BODIES, &[]),
        // Of the same length, on a store that ignores If-Match.
        Sweep {
            setup: Setup { honours_if_match: false, ..PLAIN },
            ..sweep("an object that is replaced meanwhile", &[&put], &[&[Trouble::Change(Change::Put(0, 3))]], &[])
        },
    ]
}

fn published(what: ModelEvent) -> [Op; 1] {
    [Op::Publish(Publication { what, ago: Some(0), notified: false })]
}

pub(super) fn changed(change: Change, what: ModelEvent) -> Vec<Op> {
    [&[Op::Change(change)][..], &published(what)].concat()
}

/// Renamed in the bucket and reported by an event.
pub(super) fn renamed(from: usize, to: usize) -> Vec<Op> {
    changed(Change::Rename(from, to), ModelEvent::Rename(from, to))
}

pub(super) fn applied_at_0() -> Vec<Op> {
    [&changed(Change::Put(0, 1), ModelEvent::Create(0))[..], &published(ModelEvent::Permissions(0, 3)), &[CYCLE]].concat()
}

pub(super) fn hold(sweeps: &[Sweep]) {
    let directory = runner::directory();
    for sweep in sweeps {
        match sweep.play(directory.path(), |_| true) {
            Ok(points) => assert!(points > 4 || sweep.troubles == [NOTHING], "{}: hardly a run", sweep.name),
            Err(broken) => panic!("{}: {broken}", sweep.name),
        }
    }
}

#[test]
fn a_renamed_file_keeps_its_identity_under_every_fault() {
    hold(&renames());
}

#[test]
fn an_effect_without_an_outcome_gets_one_after_any_change_of_its_object() {
    hold(&effects_without_an_outcome());
}

#[test]
fn every_event_is_applied_under_every_fault() {
    hold(&events());
}

#[test]
fn an_object_that_changes_after_its_observation_violates_no_invariant() {
    hold(&surprises());
}
