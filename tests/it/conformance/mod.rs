//! What every implementation of a trait must do, as functions over the trait; and the failures of single implementations.

mod all_sinks;
mod canned;
mod feed;
mod file_manager;
mod large;
mod probe;
mod reasons;
pub(crate) mod s3;
mod s3_wire;
mod sink;
mod sink_trouble;
mod source;
mod uploads;
pub(crate) mod write;
mod write_wire;
#[cfg(feature = "sqs")]
mod sqs_wire;
