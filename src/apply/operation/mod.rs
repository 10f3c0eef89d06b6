//! One path in hand: looked at where that is needed, its content and its permissions sent, or the file moved, and the outcome recorded.
//! How many paths go on at a time is the executor's concern.

pub(super) mod reconcile_path;
mod content;
mod permissions;
mod effect;
mod moves;
mod recheck;
mod remembered;
