//! The model: random histories against the daemon's own flow, plan, apply and state; only S3, the APIs and the clock are
//! simulated. The seed determines everything. A failing history is shrunk and printed as the source of a test.

mod alone;
mod bucket;
mod compare;
mod counts;
mod dice;
mod evidence;
mod file_manager;
mod files;
mod generate;
mod judge;
mod listing_sweeps;
mod machine;
#[cfg(feature = "mutants")]
mod mutants;
mod op;
mod process;
mod published_events;
mod recorded_history;
mod reference;
mod regressions;
mod rest;
mod runner;
mod second;
mod shrink;
mod sink_sweeps;
mod sinks;
mod sources;
mod sweeps;
mod world;

pub(crate) use alone::{bucket_alone, file_manager_alone};
use runner::Budget;

#[test]
fn the_same_seed_gives_the_same_history() {
    let directory = runner::directory();
    for seed in 0..40 {
        let history = generate::history(seed);
        let (one, other) = (machine::play(&history, directory.path()), machine::play(&history, directory.path()));
        assert_eq!(one.trace, other.trace, "seed {seed}");
    }
}

#[test]
fn histories_violate_no_invariant() {
    runner::run(Budget::of_environment());
}
