//! The integration tests: one binary, one module for each contract.

mod answers;
mod cli;
mod conformance;
mod crash;
mod local_fs;
mod memory_sink;
mod memory_source;
#[cfg(feature = "failpoints")]
mod model;
#[cfg(feature = "moto")]
mod moto;
mod regressions;
#[cfg(feature = "rgw")]
mod rgw;
mod tls;
mod workflow;

/// A number that a soak sets by an environment variable; by default the test is short.
#[expect(clippy::disallowed_methods, reason = "how long a test takes is for people who work on it, and no setting")]
fn amount(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}: a number is needed")))
}
