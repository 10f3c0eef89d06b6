//! Sweeps with two sinks: trouble of one sink at every point of a run, and the result of the other.

use super::op::{ApiTrouble, Change, Condition, Fate, ModelEvent, Op, Second, Setup, Trouble};
use super::sweeps::{CRASH, CYCLE, NOTHING, PLAIN, RECONCILE, Sweep, applied_at_0, changed, hold, renamed, sweep};
use s3_sync::plan::{PermissionSupport, Renames};

const TWO: Setup =
    Setup { second: Some(Second { permissions: PermissionSupport::SetAndAsk, renames: Renames::Any, connections: 2 }), ..PLAIN };

/// The guard holds all deletes.
const GUARDED: Setup = Setup { max_delete: 0, ..TWO };

const FILE_MANAGER: usize = 0;
const SECOND: usize = 1;

const fn turns(sink: usize, condition: Condition) -> Op {
    Op::Sink(sink, Fate::Turns(condition))
}

/// Trouble of the second sink during a run.
const STRIKES: [&[Trouble]; 2] = [&[Trouble::Second(ApiTrouble::EffectThenReset)], &[Trouble::Second(ApiTrouble::Unreachable)]];

const GONE: &[Trouble] = &[Trouble::Change(Change::Delete(0))];

/// All sweeps.
pub(crate) fn all() -> [Sweep; 10] {
    let put = |key, content| changed(Change::Put(key, content), ModelEvent::Create(key));
    let three = [put(0, 1), put(1, 2), put(2, 3)].concat();
    let (down, up) = ([turns(SECOND, Condition::Unreachable)], [turns(SECOND, Condition::Up)]);
    let renamed_unreported = [Op::Change(Change::Rename(0, 1))];
    [
        Sweep { setup: TWO, ..sweep("a sink that is unreachable", &[&down, &three], &[NOTHING, CRASH], &[&up, &[CYCLE]]) },
        Sweep {
            setup: Setup { concurrency: 1, attempts: 3, ..TWO },
            ..sweep("a sink that hangs", &[&[turns(SECOND, Condition::Hanging)], &three], &[NOTHING], &[])
        },
        // The other sink has not applied the rename yet. (Files without content cannot be paired by content.)
        Sweep {
            setup: TWO,
            ids: &[1],
            ..sweep("a rename, and one sink is unreachable", &[&put(0, 0), &[CYCLE], &down, &renamed(0, 1)], &[NOTHING], &[&up, &[CYCLE]])
        },
        Sweep {
            setup: TWO,
            ..sweep(
                "a sink that is started over while another one is behind",
                &[&down, &put(0, 1)],
                &[NOTHING],
                &[&[Op::Sink(FILE_MANAGER, Fate::New)], &up, &[CYCLE]],
            )
        },
        Sweep {
            setup: Setup { max_delete: 1, ..TWO },
            ..sweep(
                "as many deletes as may go, in each sink",
                &[&put(0, 1), &put(1, 2), &[CYCLE], &changed(Change::Delete(0), ModelEvent::Delete(0))],
                &[NOTHING],
                &[],
            )
        },
        // Permissions set on the file move with it, also in the sink that applies the move later.
        Sweep {
            setup: TWO,
            run: RECONCILE,
            ids: &[1],
            says: Some(("second", "a b+c", "mode-3")),
            ..sweep(
                "a rename without an event, and one sink is unreachable",
                &[&applied_at_0(), &down, &renamed_unreported],
                &[NOTHING],
                &[&up, &[RECONCILE]],
            )
        },
        // One sink never had the file, the other one holds it.
        Sweep {
            setup: GUARDED,
            run: RECONCILE,
            ..sweep(
                "an absence in one sink",
                &[
                    &put(5, 1),
                    &[CYCLE, turns(FILE_MANAGER, Condition::Unreachable)],
                    &put(0, 2),
                    &[CYCLE, turns(FILE_MANAGER, Condition::Up), Op::Change(Change::Delete(0)), Op::Change(Change::Delete(5))],
                ],
                &[NOTHING],
                &[],
            )
        },
        // One sink has stored the file when the other sink finds it gone.
        Sweep {
            setup: Setup { concurrency: 1, second: TWO.second.map(|second| Second { renames: Renames::None, ..second }), ..GUARDED },
            seeds: 2,
            ..sweep("an object that goes before one sink has read it", &[&put(0, 1)], &[GONE], &[])
        },
        a_change_that_goes_while_it_is_listed(&put(0, 1)),
        Sweep { setup: TWO, ..sweep("an object, and the second sink is struck", &[&applied_at_0(), &put(0, 2)], &STRIKES, &[]) },
    ]
}

/// The run's own listing shows the file: that it is gone is no evidence in this run.
fn a_change_that_goes_while_it_is_listed(put: &[Op]) -> Sweep {
    let before = [put, &[CYCLE, Op::Change(Change::Put(0, 2))]];
    Sweep { run: RECONCILE, ..sweep("an object that changes, and goes while it is listed", &before, &[GONE], &[&[RECONCILE]]) }
}

#[test]
fn an_outage_of_one_sink_does_not_affect_the_other() {
    hold(&all());
}
