//! The executor of many paths at a time: it owns the limit of concurrent operations and the handling of failures.
//! The operation handles one path.

pub(super) mod drain;
mod failures;
pub(super) mod permits;

pub use drain::Executor;
pub use permits::Bounds;
