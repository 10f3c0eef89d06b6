//! The workflow in this process, between a bucket and a file manager that a test controls: its reaction to every fault, to
//! changes between two runs, and its concurrency.

pub(crate) mod cycle;
mod defects;
mod contradictions;
mod endpoints;
mod faults;
mod lanes;
mod odd_answers;
mod odd_keys;
mod odd_listings;
pub(crate) mod scene;
mod sinks;
mod state;
