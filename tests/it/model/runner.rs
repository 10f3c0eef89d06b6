//! Plays histories on all processors until the time is over.

use super::counts::Counts;
use super::generate;
use super::machine::play;
use super::shrink::shrink;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The first seed, and the duration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    first_seed: u64,
    time: Duration,
}

impl Budget {
    /// `MODEL_SECONDS` and `MODEL_SEED`; the defaults are those of `make test`.
    pub(crate) fn of_environment() -> Self {
        Self { first_seed: crate::amount("MODEL_SEED", 1), time: Duration::from_secs(crate::amount("MODEL_SECONDS", 60)) }
    }
}

/// A directory for databases: in memory if the machine has one, because these tests commit thousands of times per second.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    place.expect("a directory")
}

/// Plays one history after another. The first that violates an invariant is shrunk and printed, and ends the test.
pub(crate) fn run(budget: Budget) {
    let end = Instant::now() + budget.time;
    let next = AtomicU64::new(budget.first_seed);
    let broken = AtomicBool::new(false);
    let counts = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let directory = directory();
                let mut own = Counts::default();
                while Instant::now() < end && !broken.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let played = play(&generate::history(seed), directory.path());
                    own.add_all(&played.counts);
                    own.add("histories");
                    if !played.violations.is_empty() {
                        broken.store(true, Ordering::Relaxed);
                        print_failure(seed, directory.path());
                    }
                }
                counts.lock().unwrap_or_else(PoisonError::into_inner).add_all(&own);
            });
        }
    });
    let counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Written directly to stderr, because the harness hides the output of successful tests, and the counts are always of
    // interest.
    let summary = format!("the model, from seed {}:\n{counts}", budget.first_seed);
    std::io::stdout().write_all(summary.as_bytes()).expect("standard output");
    assert!(!broken.into_inner(), "a history broke a promise: see above");
}

fn print_failure(seed: u64, directory: &Path) {
    let shrunk = shrink(generate::history(seed), directory);
    let played = play(&shrunk, directory);
    let trace = played.trace.join("\n");
    let ops: Vec<_> = shrunk.ops.iter().map(|op| format!("    {op:?},")).collect();
    let violations = played.violations.join("\n");
    println!("seed {seed} breaks a promise:\n{violations}\n\n{:?}\n[\n{}\n]\n\n{trace}\n", shrunk.setup, ops.join("\n"));
}
