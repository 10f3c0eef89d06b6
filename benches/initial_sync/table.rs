//! Prints the result table: first the ratios, then the absolute values.

use crate::case::Case;
use crate::contestant::Run;
use crate::measuring::{load, median};
use anyhow::Result;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::Instant;

/// Two consecutive runs.
pub(crate) struct Pair {
    pub(crate) product: Run,
    pub(crate) bare: Run,
}

/// Selects one run of a pair.
type Side = fn(&Pair) -> &Run;

/// Number of timed commits.
const COMMITS: usize = 101;

/// Prints the machine and the conditions.
pub(crate) fn head(scratch: &Path, concurrency: usize, rounds: usize) -> Result<()> {
    let cores = thread::available_parallelism()?;
    println!("s3-sync initial-sync beside a bare loop: medians of {rounds} pairs, {concurrency} operations at a time, {cores} cores,");
    println!("one fdatasync of 4 KiB {:.2} ms, {}", milliseconds_of_a_commit(scratch)?, load()?);
    println!();
    println!("| case | rate | lowest - highest | s3-sync | bare loop | peak RSS | bare | CPU | bare |");
    println!("|---|---|---|---|---|---|---|---|---|");
    Ok(())
}

/// Prints one case.
pub(crate) fn rows(case: &Case, pairs: &[Pair]) {
    let mut ratios: Vec<f64> = pairs.iter().map(|pair| pair.bare.seconds / pair.product.seconds).collect();
    ratios.sort_by(f64::total_cmp);
    let of = |side: Side, what: fn(&Run) -> f64| median(pairs.iter().map(|pair| what(side(pair))).collect());
    let (product, bare): (Side, Side) = (|pair| &pair.product, |pair| &pair.bare);
    let rate = |side| rate_text(case, of(side, |run| run.seconds));
    let peak = |side| {
        let runs = pairs.iter().map(side);
        format!("{} MiB", runs.map(|run: &Run| run.peak_rss_kib).max().unwrap_or_default().div_ceil(1024))
    };
    println!(
        "| {} | **{:.0} %** | {:.0} - {:.0} % | {} | {} | {} | {} | {:.2} s | {:.2} s |",
        case.name,
        100.0 * median(ratios.clone()),
        100.0 * ratios.first().copied().unwrap_or_default(),
        100.0 * ratios.last().copied().unwrap_or_default(),
        rate(product),
        rate(bare),
        peak(product),
        peak(bare),
        of(product, |run| run.cpu_seconds),
        of(bare, |run| run.cpu_seconds),
    );
}

/// Prints the machine's load.
pub(crate) fn foot() -> Result<()> {
    println!();
    println!("Rate: s3-sync's in relation to the bare loop's of the same pair. Peak RSS: the highest of all runs. Afterwards {}.", load()?);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a rate has three digits that count")]
fn rate_text(case: &Case, seconds: f64) -> String {
    if case.objects > 1 {
        return format!("{:.0} objects/s", case.objects as f64 / seconds);
    }
    format!("{:.0} MiB/s", case.bytes() as f64 / f64::from(1 << 20) / seconds)
}

/// The minimum cost of a commit on this disk.
fn milliseconds_of_a_commit(scratch: &Path) -> Result<f64> {
    let mut file = File::create(scratch.join("commits"))?;
    let mut times = Vec::new();
    for _ in 0..COMMITS {
        file.write_all(&[1; 4096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(times))
}
