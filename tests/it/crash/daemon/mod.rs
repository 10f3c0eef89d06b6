//! Feature `kills`: five hundred daemons, each killed (SIGKILL) at another moment of a thousand events, with failing endpoints,
//! and a last one that ends by itself. In the first half the bucket is never listed again, so that no reconcile hides a lost
//! event.

mod faults;
mod life;
mod moment;
mod verdict;
mod workload;

use super::process::Vain;
use super::random::Random;
use super::scene::Scene;
use life::Life;
use std::collections::BTreeMap;
use workload::{When, Workload};

const KILLS: usize = 500;
const EVENTS: usize = 2 * KILLS;
/// Files that exist before the feed reports any event.
const OBJECTS: usize = 30;
const SEED: u64 = 20_261_122;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_the_daemon_lose_no_change_and_repeat_no_effect() {
    println!("seed {SEED}");
    let scene = Scene::with_objects(OBJECTS).await;
    let mut kills = Kills::new(SEED);
    let in_vain = kills.all(&scene).await.err();
    kills.print();
    if let Some(vain) = &in_vain {
        println!("after {} kills: {vain:?}", kills.number());
    }
    verdict::it_comes_to_rest(&scene, &kills.workload).await;
    assert!(in_vain.is_none(), "a moment was waited for in vain, see above");
    assert_eq!(kills.number(), KILLS);
    assert!(kills.workload.len() >= EVENTS, "only {} events were published", kills.workload.len());
}

struct Kills {
    random: Random,
    workload: Workload,
    by_kind: BTreeMap<&'static str, usize>,
    faults: BTreeMap<&'static str, usize>,
}

impl Kills {
    fn new(seed: u64) -> Self {
        let workload = Workload::of(seed.rotate_left(32), OBJECTS);
        Self { random: Random::of(seed), workload, by_kind: BTreeMap::new(), faults: BTreeMap::new() }
    }

    fn number(&self) -> usize {
        self.by_kind.values().sum()
    }

    async fn all(&mut self, scene: &Scene) -> Result<(), Vain> {
        while self.number() < KILLS {
            let second_half = self.number() >= KILLS / 2;
            if self.number() == KILLS / 2 {
                verdict::nothing_is_forgotten(scene).await.kill().await;
            }
            // A change with two events (a rename and its permissions) may end one event later than planned.
            let left = (EVENTS.saturating_sub(self.workload.len()), KILLS - self.number());
            let events = if left.1 == 1 { left.0 } else { self.random.below(2 * left.0 / left.1 + 1).min(left.0) };
            let life = Life::draw(&mut self.random, events, second_half);
            let up_to = self.workload.len() + events - life.events_amid;
            self.workload.go_on(scene, up_to, When::Between);
            faults::order(scene, &mut self.random, &mut self.faults);
            let kind = life.live(scene, &mut self.workload).await;
            faults::clear(scene);
            *self.by_kind.entry(kind?).or_default() += 1;
        }
        // If a daemon ends before its events, the last daemon gets them.
        self.workload.go_on(scene, EVENTS, When::Between);
        Ok(())
    }

    fn print(&self) {
        println!("{:>5}  killed", "times");
        for (kind, count) in &self.by_kind {
            println!("{count:>5}  {kind}");
        }
        println!("{:>5}  in all; faults ordered: {:?}", self.number(), self.faults);
        self.workload.print();
    }
}
