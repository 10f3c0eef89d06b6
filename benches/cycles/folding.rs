//! Durable folding of events: events become observations, reported permissions, move hints and pending paths on disk. Effects are
//! not measured.

use crate::Bench;
use crate::changes::Changes;
use crate::endpoints::{Scene, must_have_done};
use crate::measuring::median;
use anyhow::{Result, ensure};
use futures::future::try_join_all;
use jiff::Timestamp;
use s3_sync::record::Event;
use s3_sync::state::{EventChannel, Received};
use std::time::Instant;

/// Rows of the state.
const ROWS: u64 = 1_000_000;
/// Events of one round.
const EVENTS: u64 = 20_000;
/// Events in one message: as many as the feed serves at once.
const EVENTS_A_BATCH: usize = 100;
/// Batches that share a commit, as with the readers of several queues.
const BATCHES_AT_A_TIME: usize = 8;
/// The target.
const EVENTS_PER_SECOND: f64 = 20_000.0;

/// Seconds of one round.
struct Round {
    storing: f64,
    folding: f64,
}

pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let database = bench.state_of(ROWS).await?;
    let mut scene = Scene::open(&database).await?;
    let mut changes = Changes::of(ROWS);
    // The first round warms the caches.
    one(&mut scene, &mut changes).await?;
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds {
        rounds.push(one(&mut scene, &mut changes).await?);
    }
    let per_second = |seconds: fn(&Round) -> f64| {
        let rates = rounds.iter().map(|round| f64::from(u32::try_from(EVENTS).unwrap_or(u32::MAX)) / seconds(round));
        median(rates.collect())
    };
    let both = per_second(|round| round.storing + round.folding);
    println!("Events at {ROWS} rows, {EVENTS} a round, medians of {} rounds:", rounds.len());
    println!("  stored in the inbox        {:>8.0}/s", per_second(|round| round.storing));
    println!("  folded from the inbox      {:>8.0}/s", per_second(|round| round.folding));
    println!("  both, one after the other  {both:>8.0}/s, wanted {EVENTS_PER_SECOND:.0}/s: {}", crate::verdict(both >= EVENTS_PER_SECOND));
    Ok(())
}

async fn one(scene: &mut Scene, changes: &mut Changes) -> Result<Round> {
    let (events, to_do) = changes.make(EVENTS, &scene.bucket);
    let before = scene.state.overview().await?;
    let began = Instant::now();
    store(scene, events).await?;
    let storing = began.elapsed().as_secs_f64();
    ensure!(scene.state.inbox().events_len().await? == EVENTS, "not every event is in the inbox");
    let flow = scene.flow();
    let began = Instant::now();
    flow.replay_inbox().await?;
    let folding = began.elapsed().as_secs_f64();
    let after = scene.state.overview().await?;
    let pending = after.paths("due") - before.paths("due");
    let folded = flow.counters.totals().replayed.all_events();
    ensure!(
        (after.inbox, folded, pending, after.dead_letters) == (0, EVENTS, to_do.paths(), 0),
        "{folded} of {EVENTS} events are folded, {} wait, and {pending} paths are pending instead of {}",
        after.inbox,
        to_do.paths()
    );
    // The work that a round leaves is done before the next one and not measured, because a daemon does it, too.
    must_have_done(&scene.cycle().await?, to_do)?;
    Ok(Round { storing, folding })
}

async fn store(scene: &Scene, events: Vec<Event>) -> Result<()> {
    let inbox = scene.state.inbox();
    let batches: Vec<_> = events.chunks(EVENTS_A_BATCH).map(<[Event]>::to_vec).collect();
    for together in batches.chunks(BATCHES_AT_A_TIME) {
        let received = together.iter().map(|batch| {
            let batch = batch.iter().map(|event| Received { source: EventChannel::Sqs, outcome: Ok(event.clone()) }).collect();
            inbox.receive(batch, Timestamp::now())
        });
        try_join_all(received).await?;
    }
    Ok(())
}
