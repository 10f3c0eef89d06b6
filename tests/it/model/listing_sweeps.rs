//! Listings that lie: each lie on the first page, once and again, with small pages, another order of the keys, two sinks, and a kill at
//! every point.

use super::machine::play;
use super::op::{Change, History, Lie, ModelEvent, Op, Second, Setup, Trouble, WrittenAs};
use super::runner;
use super::sweeps::{CRASH, NOTHING, PLAIN, RECONCILE, Sweep, changed, hold, sweep};
use s3_sync::plan::{PermissionSupport, Renames};
use s3_sync::state::RunKind;

/// 0 is a file of both sides, 1 is gone from the bucket, 2 is new, and 3 was never there.
const LIES: [Lie; 6] = [Lie::EndsEarly, Lie::Hides, Lie::Shows(0), Lie::Shows(1), Lie::Shows(2), Lie::Shows(3)];

/// All of them.
pub(crate) fn all() -> Vec<Sweep> {
    let put = |key| changed(Change::Put(key, 1), ModelEvent::Create(key));
    let before = [&put(0)[..], &put(1), &[RECONCILE, Op::Change(Change::Delete(1)), Op::Change(Change::Put(2, 2))]].concat();
    let listing = |name, lies: &[Lie], troubles, setup| {
        let lies: Vec<_> = lies.iter().map(|lie| Op::At(0, Trouble::Listing(*lie))).collect();
        Sweep { run: RECONCILE, setup, ..sweep(name, &[&before, &lies], troubles, &[&[RECONCILE; 4]]) }
    };
    let second = Some(Second { permissions: PermissionSupport::SetAndAsk, renames: Renames::Any, connections: 2 });
    let pages_of_two = Setup { page_keys: 2, ..PLAIN };
    let mut all = Vec::new();
    for lie in LIES {
        all.push(listing("a page that lies", &[lie], &[NOTHING], PLAIN));
        all.push(listing("a page of one key that lies", &[lie], &[NOTHING], Setup { page_keys: 1, ..PLAIN }));
        all.push(listing("a page that lies in another order", &[lie], &[NOTHING], Setup { lists_in_order: false, ..pages_of_two }));
        for written_keys in [WrittenAs::Plain, WrittenAs::Encoded] {
            let misleading = Setup { written_keys, ..pages_of_two };
            all.push(listing("a page that lies, with keys that are not what it says", &[lie], &[NOTHING], misleading));
        }
        all.push(listing("a page that lies to two sinks", &[lie], &[NOTHING], Setup { second, ..PLAIN }));
        all.push(listing("a page that lies in three runs", &[lie; 3], &[NOTHING], PLAIN));
    }
    for written_keys in [WrittenAs::Plain, WrittenAs::Encoded] {
        let misleading = Setup { written_keys, ..pages_of_two };
        all.push(listing("keys that are not what the page says, and a kill", &[], &[CRASH], misleading));
    }
    all.push(listing("a page that ends early, and a kill", &[Lie::EndsEarly], &[CRASH], pages_of_two));
    all.push(listing("a page that shows what is gone, and a kill", &[Lie::Shows(1); 2], &[CRASH], pages_of_two));
    all
}

#[test]
fn a_wrong_page_loses_and_deletes_nothing() {
    hold(&all());
}

/// A listing showed a new key with the ETag of a file that was gone, and the file was moved there: the object had other content.
#[test]
fn the_target_of_a_move_that_only_a_listing_shows_is_looked_up() {
    let (cycle, gone) = (Op::Run(RunKind::Incremental, None), changed(Change::Delete(3), ModelEvent::Delete(3)));
    let other = [Op::Change(Change::Put(4, 2)), Op::At(0, Trouble::Listing(Lie::Shows(4))), RECONCILE];
    let ops = [&changed(Change::Put(3, 3), ModelEvent::Create(3))[..], &[cycle], &gone, &other].concat();
    let played = play(&History { setup: PLAIN, ops }, runner::directory().path());
    assert!(played.violations.is_empty(), "{}", played.trace.join("\n"));
}
