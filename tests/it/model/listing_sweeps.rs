//! Listings that lie: each lie on the first page, once and again, with small pages, another order of the keys, two sinks, and a kill at
//! every point.

use super::op::{Change, Lie, ModelEvent, Op, Second, Setup, Trouble, WrittenAs};
use super::sweeps::{CRASH, NOTHING, PLAIN, RECONCILE, Sweep, changed, hold, sweep};
use s3_sync::plan::{PermissionSupport, Renames};

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
