//! Sweeps over listings that lie: each lie on each page, once and again, with another order of the keys, and with two sinks.

use super::op::{Change, Lie, ModelEvent, Op, Second, Setup, Trouble};
use super::sweeps::{PLAIN, RECONCILE, Sweep, changed, hold, sweep};
use s3_sync::plan::{PermissionSupport, Renames};

const fn lie(lie: Lie) -> Trouble {
    Trouble::Listing(lie)
}

/// 0 is a file of both sides, 1 is gone from the bucket, 2 is new, and 3 was never there.
const ONCE: [&[Trouble]; 6] = [
    &[lie(Lie::EndsEarly)],
    &[lie(Lie::Hides)],
    &[lie(Lie::Shows(0))],
    &[lie(Lie::Shows(1))],
    &[lie(Lie::Shows(2))],
    &[lie(Lie::Shows(3))],
];
/// Of each kind one that harms if it is believed.
const HARMFUL: [&[Trouble]; 3] = [&[lie(Lie::EndsEarly)], &[lie(Lie::Hides)], &[lie(Lie::Shows(1))]];
/// The listings of the next runs say the same.
const AGAIN: [&[Trouble]; 3] = [
    &[lie(Lie::EndsEarly), lie(Lie::EndsEarly)],
    &[lie(Lie::Shows(1)), lie(Lie::Shows(1)), lie(Lie::Shows(1))],
    &[lie(Lie::Shows(3)), lie(Lie::Shows(3)), lie(Lie::Shows(3))],
];
const THEN_KILLED: [&[Trouble]; 2] = [&[lie(Lie::EndsEarly), Trouble::Crash], &[lie(Lie::Shows(1)), Trouble::Crash]];

/// All of them.
pub(crate) fn all() -> Vec<Sweep> {
    let put = |key| changed(Change::Put(key, 1), ModelEvent::Create(key));
    let before = [&put(0)[..], &put(1), &[RECONCILE, Op::Change(Change::Delete(1)), Op::Change(Change::Put(2, 2))]].concat();
    let second = Some(Second { permissions: PermissionSupport::SetAndAsk, renames: Renames::Any, connections: 2 });
    let listing = |name, troubles: &'static [&'static [Trouble]], then: &[Op], setup| Sweep {
        run: RECONCILE,
        setup,
        ..sweep(name, &[&before], troubles, &[then])
    };
    let one = Setup { page_keys: 1000, ..PLAIN };
    let small = Setup { page_keys: 1, ..PLAIN };
    vec![
        listing("a page that lies", &ONCE, &[RECONCILE], one),
        listing("a small page that lies", &HARMFUL, &[RECONCILE], small),
        listing("a page that lies in every run", &AGAIN, &[RECONCILE, RECONCILE], one),
        listing("a page that lies, and a kill", &THEN_KILLED, &[RECONCILE], Setup { page_keys: 2, ..PLAIN }),
        listing("a page that lies, in another order", &HARMFUL, &[RECONCILE], Setup { lists_in_order: false, page_keys: 2, ..PLAIN }),
        listing("a page that lies to two sinks", &HARMFUL, &[RECONCILE], Setup { second, ..one }),
    ]
}

#[test]
fn a_wrong_page_loses_and_deletes_nothing() {
    hold(&all());
}
