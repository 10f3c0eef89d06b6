//! Two hundred processes, each killed (SIGKILL) at another moment of one initial sync, and a last one that ends by itself.

mod fence;
mod moment;
mod pages;
mod plan;
mod verdict;

use super::process::Vain;
use super::scene::Scene;
use fence::Fence;
use moment::Moment;
use pages::PageReads;
use plan::{Plan, Progress};
use std::collections::BTreeMap;

const OBJECTS: usize = 300;
const PAGE_KEYS: usize = 20;
const PAGES: usize = OBJECTS / PAGE_KEYS;
const KILLS: usize = 200;
/// On a loaded machine the doubles may read a request of a dead process and count it for the next one: it hangs at a later limit.
/// This many such cases are acceptable.
const IN_VAIN_MOST: usize = 3;
/// The minimum of moments of each kind with a failpoint.
const KILLS_OF_A_KIND_LEAST: usize = 20;
const SETTINGS: [(&str, &str); 2] = [("LIST_PAGE_KEYS", "20"), ("CONCURRENCY", "4")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_no_object_and_repeat_no_effect() {
    let scene = Scene::with_objects(OBJECTS).await;
    let mut kills = Kills::default();
    let in_vain = kills.all(&scene).await.err();
    kills.print(effects(&scene));
    assert!(effects(&scene) < OBJECTS, "the work must outlast the kills");

    // Lost work shows here; so does a kill that never happened.
    let last = scene.start(&["initial-sync"], &SETTINGS).end().await;
    assert_eq!(last.code, Some(0), "{}", last.stderr);
    kills.pages.process_ended(&scene.bucket().requests());
    kills.pages.judge();
    verdict::everything_arrived_once(&scene);
    verdict::the_state_agrees(&scene).await;
    verdict::another_run_sends_nothing(&scene).await;

    if let Some(vain) = in_vain {
        panic!("after {} kills: {vain:?}", kills.number());
    }
    assert_eq!(kills.number(), KILLS);
    for kind in moment::KINDS_WITH_A_FAIL_POINT {
        let seen = kills.by_kind.get(kind).copied().unwrap_or_default();
        assert!(seen >= KILLS_OF_A_KIND_LEAST, "only {seen} kills {kind}");
    }
}

/// The progress so far, and the requests at the bucket.
#[derive(Default)]
struct Kills {
    by_kind: BTreeMap<&'static str, usize>,
    pages: PageReads,
}

impl Kills {
    fn number(&self) -> usize {
        self.by_kind.values().sum()
    }

    async fn all(&mut self, scene: &Scene) -> Result<(), Vain> {
        let (mut plan, mut in_vain) = (Plan::new(), 0);
        while self.number() < KILLS {
            let next = plan.next(Progress { kills: self.number(), effects: effects(scene), pages_asked_for: self.pages.different() });
            let fence = Fence::put_up(scene, &next);
            let killed = one(scene, next.moment).await;
            fence.take_down(scene);
            self.pages.process_ended(&scene.bucket().requests());
            match killed {
                Ok(()) => *self.by_kind.entry(next.moment.kind()).or_default() += 1,
                Err(vain) if in_vain < IN_VAIN_MOST => {
                    println!("after {} kills: {vain:?}", self.number());
                    in_vain += 1;
                }
                Err(vain) => return Err(vain),
            }
        }
        Ok(())
    }

    fn print(&self, effects: usize) {
        println!("{:>5}  killed", "times");
        for (kind, count) in &self.by_kind {
            println!("{count:>5}  {kind}");
        }
        println!("{:>5}  in all; by then {effects} of {OBJECTS} objects had arrived", self.number());
    }
}

/// Starts a process, and kills it at its moment.
async fn one(scene: &Scene, moment: Moment) -> Result<(), Vain> {
    let since = moment.begin(scene);
    let fail_point = moment.fail_point();
    let held = fail_point.iter().map(|at| ("S3_SYNC_FAILPOINT", at.as_str()));
    let settings: Vec<_> = SETTINGS.into_iter().chain(held).collect();
    let mut process = scene.start(&["initial-sync"], &settings);
    let come = moment.come(scene, &mut process, since).await;
    if come.is_err() {
        process.end_it().await;
    } else {
        process.kill().await;
    }
    come
}

fn effects(scene: &Scene) -> usize {
    usize::try_from(scene.file_manager().effects().total).expect("a small number")
}
