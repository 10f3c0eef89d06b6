//! The cost of a cycle in a state with many rows: folding events, writing and comparing snapshots, a cycle without work, and a
//! cycle whose cost must grow with the changes, not with the rows. `docs/performance.md` explains the numbers.

mod changes;
mod endpoints;
mod files;
mod folding;
#[path = "../measuring/mod.rs"]
mod measuring;
mod plot;
mod quiet;
mod rows;
mod sizes;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use std::path::PathBuf;
use std::time::Instant;

/// Measures cycles in states of many rows.
#[derive(Parser)]
struct Arguments {
    /// Rounds of each measurement.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the measurement of this name: events, files, quiet or sizes.
    #[arg(long, default_value = "")]
    only: String,
    /// A Python that has pandas; without one, the files are not compared with it.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Where the plot of the sizes is written.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// The largest of the sizes.
    #[arg(long, default_value_t = 5_000_000)]
    most_rows: u64,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The context of all measurements.
struct Bench {
    rounds: usize,
    python: Option<PathBuf>,
    plot: Option<PathBuf>,
    most_rows: u64,
    /// On a durable disk, because the temporary directory may be in memory, where a commit costs nothing.
    scratch: tempfile::TempDir,
}

impl Bench {
    /// A database with this many rows, in its own directory.
    async fn state_of(&self, rows: u64) -> Result<PathBuf> {
        let began = Instant::now();
        let directory = tempfile::tempdir_in(self.scratch.path())?.keep();
        let database = directory.join("sync.db");
        rows::fill(&database, rows).await.with_context(|| format!("a state of {rows} rows"))?;
        eprintln!("(a state of {rows} rows made in {:.1} s)", began.elapsed().as_secs_f64());
        Ok(database)
    }
}

fn main() -> Result<()> {
    let Arguments { rounds, only, python, plot, most_rows, bench: _ } = Arguments::parse();
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let bench = Bench { rounds, python, plot, most_rows, scratch };
    let runtime = tokio::runtime::Runtime::new()?;
    println!("{} cores, {}", std::thread::available_parallelism()?, measuring::load()?);
    let wanted = |name: &str| name.contains(&only);
    ensure!(["events", "quiet", "sizes", "files"].into_iter().any(wanted), "--only {only}: there are events, quiet, sizes and files");
    if wanted("events") {
        runtime.block_on(folding::run(&bench)).context("events")?;
    }
    if wanted("quiet") {
        runtime.block_on(quiet::run(&bench)).context("quiet")?;
    }
    if wanted("sizes") {
        runtime.block_on(sizes::run(&bench)).context("sizes")?;
    }
    if wanted("files") {
        runtime.block_on(files::run(&bench)).context("files")?;
    }
    println!("Afterwards {}.", measuring::load()?);
    Ok(())
}

/// The verdict is only printed: a missed limit is no error, because this is no test.
fn verdict(holds: bool) -> &'static str {
    if holds { "it holds" } else { "MISSED" }
}
