//! Feature `kills`: daemons that are each killed (SIGKILL) at another moment, with twice as many events as kills and with failing
//! endpoints; the last daemon ends by itself. In the first half the bucket is never listed again, so that no reconcile hides a
//! lost event.

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

/// Files that exist before the feed reports any event.
const OBJECTS: usize = 30;
const SEED: u64 = 20_261_122;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_the_daemon_lose_no_change_and_repeat_no_effect() {
    let number = usize::try_from(crate::amount("KILLS", 100)).expect("a number of processes");
    println!("seed {SEED}");
    let scene = Scene::with_objects(OBJECTS).await;
    let mut kills = Kills::new(SEED, number);
    let in_vain = kills.all(&scene).await.err();
    kills.print();
    if let Some(vain) = &in_vain {
        println!("after {} kills: {vain:?}", kills.number());
    }
    verdict::it_comes_to_rest(&scene, &kills.workload).await;
    assert!(in_vain.is_none(), "a moment was waited for in vain, see above");
    assert_eq!(kills.number(), number);
    assert!(kills.workload.len() >= kills.events(), "only {} events were published", kills.workload.len());
}

struct Kills {
    /// How many there are to be.
    wanted: usize,
    random: Random,
    workload: Workload,
    by_kind: BTreeMap<&'static str, usize>,
    faults: BTreeMap<&'static str, usize>,
}

impl Kills {
    fn new(seed: u64, wanted: usize) -> Self {
        let workload = Workload::of(seed.rotate_left(32), OBJECTS);
        Self { wanted, random: Random::of(seed), workload, by_kind: BTreeMap::new(), faults: BTreeMap::new() }
    }

    fn events(&self) -> usize {
        2 * self.wanted
    }

    fn number(&self) -> usize {
        self.by_kind.values().sum()
    }

    async fn all(&mut self, scene: &Scene) -> Result<(), Vain> {
        while self.number() < self.wanted {
            let second_half = self.number() >= self.wanted / 2;
            if self.number() == self.wanted / 2 {
                verdict::nothing_is_forgotten(scene).await.kill().await;
            }
            // A change with two events (a rename and its permissions) may end one event later than planned.
            let left = (self.events().saturating_sub(self.workload.len()), self.wanted - self.number());
            let events = if left.1 == 1 { left.0 } else { self.random.below(2 * left.0 / left.1 + 1).min(left.0) };
            let life = Life::draw(&mut self.random, events, second_half);
            let up_to = self.workload.len() + events - life.events_amid;
            self.workload.go_on(scene, up_to, When::Between);
            faults::order(scene, &mut self.random, &mut self.faults);
            let kind = life.live(scene, &mut self.workload).await;
            faults::clear(scene);
            *self.by_kind.entry(kind?).or_default() += 1;
        }
        // A life that was cut short before its events leaves them to the last daemon.
        let events = self.events();
        self.workload.go_on(scene, events, When::Between);
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
