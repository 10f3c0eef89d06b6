//! The state: what it refuses, what it stores, and how it reacts to changes between two runs.

mod again;
mod changed_rows;
mod deletes;
mod etags;
mod guard;
#[cfg(feature = "failpoints")]
mod history;
mod identity;
mod intents;
mod migration;
mod observations;
mod restored;
mod resumed;
mod skips;
mod waits;
