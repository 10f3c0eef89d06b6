//! The integration tests: one binary, one module for each thing they hold to its word.

mod crash;
mod workflow;
