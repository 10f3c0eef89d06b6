//! Many paths at a time: which of them are in hand, how many go on at once, and what follows from failures. What becomes of one path
//! is the operation's concern.

pub(super) mod drain;
mod claims;
mod failures;
pub(super) mod permits;

pub use drain::Executor;
pub use permits::Bounds;
