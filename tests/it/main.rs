//! The integration tests: one binary, one module for each thing they hold to its word.

mod cli;
mod conformance;
mod crash;
mod regressions;
mod workflow;
