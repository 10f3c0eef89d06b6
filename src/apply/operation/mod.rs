//! The operation on one claimed path: looks it up if needed, sends content and permissions or moves the file, records the outcome. The
//! executor limits the number of concurrent operations.

pub(super) mod reconcile_path;
mod content;
mod permissions;
mod effect;
mod moves;
mod recheck;
mod contradiction;
mod intent_metadata;
mod checkpoint;
