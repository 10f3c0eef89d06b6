//! What the state is for: what it refuses, what it remembers, and what it makes of a world that changed between two runs.

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
