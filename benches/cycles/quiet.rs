//! A cycle without work in a state with a million rows: its duration and its requests.

use crate::Bench;
use crate::endpoints::Scene;
use crate::measuring::median;
use anyhow::{Result, ensure};
use std::fs;
use std::time::Instant;

/// Rows of the state.
const ROWS: u64 = 1_000_000;
/// Cycles of one round.
const CYCLES: usize = 20;
/// The target.
const MILLISECONDS: f64 = 20.0;

pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let database = bench.state_of(ROWS).await?;
    let mut scene = Scene::open(&database).await?;
    scene.cycle().await?;
    let mut milliseconds = Vec::new();
    for _ in 0..CYCLES * bench.rounds {
        let began = Instant::now();
        let ended = scene.cycle().await?;
        milliseconds.push(began.elapsed().as_secs_f64() * 1000.0);
        ensure!(ended.report.quiet && ended.report.success, "a cycle found something to do: {}", ended.report);
    }
    let calls = scene.bucket.calls();
    ensure!((calls.lists, calls.heads, calls.gets, calls.head_buckets) == (0, 0, 0, 0), "the bucket was called: {calls:?}");
    let directory = database.parent().unwrap_or(&database);
    let snapshots = fs::read_dir(directory)?
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some_and(|extension| extension == "csv")));
    ensure!(snapshots.count() == 0, "snapshots were written");
    let longest = milliseconds.iter().copied().fold(0.0, f64::max);
    let typical = median(milliseconds.clone());
    println!("A cycle without anything to do at {ROWS} rows, {} cycles:", milliseconds.len());
    println!(
        "  median {typical:.1} ms, longest {longest:.1} ms, 0 LIST calls; wanted {MILLISECONDS:.0} ms: {}",
        crate::verdict(typical <= MILLISECONDS)
    );
    Ok(())
}
