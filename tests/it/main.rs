//! The integration tests: one binary, one module for each contract.

mod cli;
mod conformance;
mod crash;
mod memory_sink;
mod memory_source;
#[cfg(feature = "failpoints")]
mod model;
#[cfg(feature = "moto")]
mod moto;
mod regressions;
mod workflow;
