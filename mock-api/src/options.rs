//! How the double is set up: where contents go, who may call, how much is remembered. Says nothing about how it behaves.

use std::path::PathBuf;

/// What becomes of the bytes of a create or an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Contents {
    /// They are counted and hashed, and let go.
    #[default]
    Hashed,
    /// They are kept in memory, for tests that look at them.
    Memory,
    /// They are written into this directory, each file under its internal id: a path that was sent never becomes a path on disk.
    Directory(PathBuf),
}

/// The double's settings. Without `Debug`: they hold a secret.
#[derive(Clone)]
pub struct Options {
    /// Where contents go.
    pub contents: Contents,
    /// When set, every call of the contract must carry `Authorization: Bearer …` with it.
    pub token: Option<String>,
    /// How many calls are remembered, the newest ones; 0 for none, which saves time in a benchmark.
    pub recorded_calls: usize,
    /// Whether what a strict file manager refuses is done as well as it can be, and answered with 200: an update of an unknown path creates
    /// it, a delete or a rename of one does nothing, a rename onto a taken path replaces what is there. A create gives a known path a new id.
    pub lenient: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { contents: Contents::Hashed, token: None, recorded_calls: 100_000, lenient: false }
    }
}
