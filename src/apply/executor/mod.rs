//! The executor: it limits the number of concurrent operations and handles their failures. An `Operation` handles one path.

pub(super) mod drain;
mod failures;
mod sample;
pub(super) mod permits;

pub use drain::Executor;
pub use permits::Bounds;
