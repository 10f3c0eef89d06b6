//! Two hundred processes, each killed (SIGKILL) at another moment of one initial sync, and one that comes to its end.

mod fence;
mod moment;
mod pages;
mod plan;
mod verdict;

use super::scene::Scene;
use fence::Fence;
use pages::PageReads;
use plan::{Plan, Progress};
use std::collections::BTreeMap;

const OBJECTS: usize = 300;
const PAGE_KEYS: usize = 20;
const PAGES: usize = OBJECTS / PAGE_KEYS;
const KILLS: usize = 200;
/// Of each kind that has a fail point.
const KILLS_OF_A_KIND_LEAST: usize = 20;
const SETTINGS: [(&str, &str); 2] = [("LIST_PAGE_KEYS", "20"), ("CONCURRENCY", "4")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_nothing_and_do_nothing_twice() {
    let scene = Scene::with_objects(OBJECTS).await;
    let (mut plan, mut pages, mut kinds) = (Plan::new(), PageReads::default(), BTreeMap::new());
    for number in 0..KILLS {
        let progress = Progress { kills: number, effects: effects(&scene), pages_asked_for: pages.different() };
        let next = plan.next(progress);
        let fence = Fence::put_up(&scene, &next);
        let since = next.moment.begin(&scene);
        let fail_point = next.moment.fail_point();
        let held = fail_point.iter().map(|at| ("S3_SYNC_FAILPOINT", at.as_str()));
        let settings: Vec<_> = SETTINGS.into_iter().chain(held).collect();
        let mut process = scene.start(&["initial-sync"], &settings);
        next.moment.come(&scene, &mut process, since).await;
        process.kill().await;
        fence.take_down(&scene);
        *kinds.entry(next.moment.kind()).or_insert(0) += 1;
        pages.process_ended(&scene.bucket().requests());
    }
    assert!(effects(&scene) < OBJECTS, "the kills must not outlast the work");
    print_table(&kinds);

    let last = scene.start(&["initial-sync"], &SETTINGS).end().await;
    assert_eq!(last.code, Some(0), "{}", last.stderr);
    pages.process_ended(&scene.bucket().requests());

    pages.judge();
    verdict::everything_arrived_once(&scene);
    verdict::the_state_agrees(&scene).await;
    verdict::another_run_sends_nothing(&scene).await;
    for kind in moment::KINDS_WITH_A_FAIL_POINT {
        let seen = kinds.get(kind).copied().unwrap_or_default();
        assert!(seen >= KILLS_OF_A_KIND_LEAST, "only {seen} kills {kind}");
    }
}

fn effects(scene: &Scene) -> usize {
    usize::try_from(scene.file_manager().effects().total).expect("a small number")
}

fn print_table(kinds: &BTreeMap<&str, usize>) {
    println!("{:>5}  killed", "times");
    for (kind, count) in kinds {
        println!("{count:>5}  {kind}");
    }
    println!("{:>5}  in all", kinds.values().sum::<usize>());
}
