//! The cost of an initial sync compared with its lower bound: the same requests from a bare loop, alternately, on the same
//! machine. `docs/performance.md` explains the numbers.

mod bare_loop;
mod case;
mod contestant;
#[path = "../measuring/mod.rs"]
mod measuring;
mod servers;
mod table;

use anyhow::{Context as _, Result};
use case::{CASES, Case};
use clap::{Parser, Subcommand};
use contestant::Contestant;
use servers::{FileManager, S3};
use std::path::{Path, PathBuf};
use table::Pair;

/// Measures `s3-sync initial-sync` against a bare loop.
#[derive(Parser)]
struct Arguments {
    /// Pairs of runs for each case.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Operations at a time, on both sides; 0 = the product's default.
    #[arg(long, default_value_t = 0)]
    concurrency: usize,
    /// Only the cases whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Be the bare loop of one run.
    #[command(hide = true)]
    BareLoop(bare_loop::Arguments),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Role::BareLoop(arguments)) = arguments.role {
        return bare_loop::run(arguments);
    }
    let bench = Bench::new(arguments.concurrency)?;
    table::head(bench.scratch.path(), bench.concurrency, arguments.rounds)?;
    for case in CASES.iter().filter(|case| case.name.contains(&arguments.only)) {
        let pairs = bench.measure(case, arguments.rounds).with_context(|| case.name)?;
        table::rows(case, &pairs);
    }
    table::foot()
}

/// The context of all cases.
struct Bench {
    programs: PathBuf,
    /// On a durable disk, because the temporary directory may be in memory, where a commit costs nothing.
    scratch: tempfile::TempDir,
    concurrency: usize,
}

impl Bench {
    fn new(concurrency: usize) -> Result<Self> {
        let product = Path::new(env!("CARGO_BIN_EXE_s3-sync"));
        let programs = product.parent().context("a program lies in a directory")?.to_owned();
        let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let concurrency = if concurrency == 0 { contestant::product_default_concurrency()? } else { concurrency };
        Ok(Self { programs, scratch, concurrency })
    }

    /// The first pair warms the caches and is discarded. The order within a pair alternates.
    fn measure(&self, case: &Case, rounds: usize) -> Result<Vec<Pair>> {
        let s3 = S3::start(&self.programs, case)?;
        self.pair(case, &s3, 0)?;
        (1..=rounds).map(|round| self.pair(case, &s3, round)).collect()
    }

    fn pair(&self, case: &Case, s3: &S3, round: usize) -> Result<Pair> {
        let run = |contestant: Contestant| {
            let directory = tempfile::tempdir_in(self.scratch.path())?;
            // A new file manager each time, so that neither process finds files of the other.
            let file_manager = FileManager::start(&self.programs)?;
            let run = contestant.run(&self.programs, directory.path(), (s3, &file_manager), self.concurrency)?;
            file_manager.must_hold(case.objects, case.bytes())?;
            anyhow::Ok(run)
        };
        Ok(if round.is_multiple_of(2) {
            let product = run(Contestant::Product)?;
            Pair { product, bare: run(Contestant::BareLoop)? }
        } else {
            let bare = run(Contestant::BareLoop)?;
            Pair { product: run(Contestant::Product)?, bare }
        })
    }
}
