//! Two full snapshots and their diff, by the program itself, compared with pandas on the same files.

use crate::measuring::{self, Taken, median};
use crate::{Bench, rows, verdict};
use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Rows of the state.
const ROWS: u64 = 1_000_000;
/// The target.
const TIMES_FASTER: f64 = 10.0;
const PEAK_RSS_MIB: u64 = 64;
/// The work of pandas.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/cycles/pandas_job.py");

/// The seconds of our round, and the peak memory of its largest process.
struct Ours {
    writing: f64,
    comparing: f64,
    peak_rss_kib: u64,
}

/// The seconds of pandas' round, as its script prints them.
#[derive(Deserialize)]
struct Pandas {
    version: String,
    database: f64,
    writing: f64,
    comparing: f64,
    counts: [u64; 4],
    peak_rss_kib: u64,
}

pub(crate) async fn run(bench: &Bench) -> Result<()> {
    let Some(python) = &bench.python else {
        println!("Two full CSVs and their diff: not measured, no --python with pandas was given");
        return Ok(());
    };
    let database = bench.state_of(ROWS).await?;
    let expected = rows::change_two_of_a_hundred(&database, ROWS)?;
    let (mut ours, mut pandas) = (Vec::new(), Vec::new());
    for round in 0..=bench.rounds {
        let mine = one(&database, expected)?;
        let theirs = by_pandas(python, &database, expected)?;
        // The first round warms the caches.
        if round > 0 {
            ours.push(mine);
            pandas.push(theirs);
        }
    }
    print_comparison(&ours, &pandas)
}

fn one(database: &Path, expected: [u64; 4]) -> Result<Ours> {
    let directory = database.parent().context("a file lies in a directory")?;
    let began = Instant::now();
    let mut taken = Vec::new();
    let exports = [("applied", "old.csv"), ("known", "new.csv")]
        .map(|(side, output)| program(database).args(["export", "--side", side, "--output", output]).spawn());
    for export in exports {
        taken.push(ended(export?)?);
    }
    let writing = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let differences = File::create(directory.join("differences"))?;
    taken.push(ended(program(database).args(["diff", "old.csv", "new.csv"]).stdout(differences).spawn()?)?);
    let comparing = began.elapsed().as_secs_f64();
    let differences = std::fs::read_to_string(directory.join("differences"))?;
    let [added, removed, content, permissions] = expected;
    let summary =
        format!("{added} added, {removed} removed, {} changed (content of {content}, permissions of {permissions})", content + permissions);
    ensure!(
        differences.lines().last() == Some(summary.as_str()),
        "the diff ends with {:?} instead of {summary:?}",
        differences.lines().last()
    );
    let peak_rss_kib = taken.iter().map(|taken| taken.peak_rss_kib).max().unwrap_or_default();
    ensure!(peak_rss_kib > 0, "its memory was never seen");
    Ok(Ours { writing, comparing, peak_rss_kib })
}

fn program(database: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3-sync"));
    let directory = database.parent().unwrap_or(Path::new("."));
    command.current_dir(directory).env_clear().env("DATABASE_PATH", database).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn ended(mut process: Child) -> Result<Taken> {
    let (status, taken) = measuring::watched(&mut process);
    ensure!(status?.success(), "a command failed");
    Ok(taken)
}

fn by_pandas(python: &Path, database: &Path, expected: [u64; 4]) -> Result<Pandas> {
    let directory = database.parent().context("a file lies in a directory")?;
    let output = Command::new(python).arg(SCRIPT).arg(database).current_dir(directory).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{} failed", python.display());
    let measured: Pandas = serde_json::from_slice(&output.stdout)?;
    ensure!(measured.counts == expected, "pandas found {:?} instead of {expected:?}", measured.counts);
    Ok(measured)
}

fn print_comparison(ours: &[Ours], pandas: &[Pandas]) -> Result<()> {
    let our = |seconds: fn(&Ours) -> f64| median(ours.iter().map(seconds).collect());
    let their = |seconds: fn(&Pandas) -> f64| median(pandas.iter().map(seconds).collect());
    let peak = ours.iter().map(|round| round.peak_rss_kib).max().unwrap_or_default().div_ceil(1024);
    let their_peak = pandas.iter().map(|round| round.peak_rss_kib).max().unwrap_or_default().div_ceil(1024);
    let version = &pandas.first().context("at least one round")?.version;
    println!("Two full CSVs of {ROWS} rows and their diff, 2 % changed, medians of {} rounds, pandas {version}:", ours.len());
    println!("| step | s3-sync | pandas |");
    println!("|---|---|---|");
    println!("| out of the database | in the next | {:.2} s |", their(|round| round.database));
    println!("| write both CSVs | {:.2} s | {:.2} s |", our(|round| round.writing), their(|round| round.writing));
    println!("| read both and compare | {:.2} s | {:.2} s |", our(|round| round.comparing), their(|round| round.comparing));
    println!("| peak memory of a process | {peak} MiB | {their_peak} MiB |");
    let whole = median(
        ours.iter()
            .zip(pandas)
            .map(|(our, their)| (their.database + their.writing + their.comparing) / (our.writing + our.comparing))
            .collect(),
    );
    let files =
        median(ours.iter().zip(pandas).map(|(our, their)| (their.writing + their.comparing) / (our.writing + our.comparing)).collect());
    let compared = median(ours.iter().zip(pandas).map(|(our, their)| their.comparing / our.comparing).collect());
    println!("  from the database to the diff   {whole:.1} times as fast, wanted {TIMES_FASTER}: {}", verdict(whole >= TIMES_FASTER));
    println!("  pandas with its rows in memory  {files:.1} times as fast, wanted {TIMES_FASTER}: {}", verdict(files >= TIMES_FASTER));
    println!("  the diff of two files alone     {compared:.1} times as fast");
    println!("  peak memory {peak} MiB, wanted {PEAK_RSS_MIB} MiB: {}", verdict(peak <= PEAK_RSS_MIB));
    Ok(())
}
