//! The test double's settings: storage of contents, token, recorded calls.

use std::path::PathBuf;

/// The storage of the bytes of a create or an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Contents {
    /// They are counted and hashed, and dropped.
    #[default]
    Hashed,
    /// They are kept in memory, for tests that read them.
    Memory,
    /// They are written into this directory, each file under its internal id: a client's path never becomes a path on disk.
    Directory(PathBuf),
}

/// The settings. Without `Debug`, because they hold a secret.
#[derive(Clone)]
pub struct Options {
    /// The storage of contents.
    pub contents: Contents,
    /// If set, every call of the contract must have `Authorization: Bearer …` with it.
    pub token: Option<String>,
    /// Number of calls that are recorded, the newest ones; 0 saves time in a benchmark.
    pub recorded_calls: usize,
    /// Accept with 200 what a strict file manager refuses: an update of an unknown path creates it, a delete or a rename of one does
    /// nothing, a rename onto a taken path replaces its file. A create gives a known path a new id.
    pub lenient: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { contents: Contents::Hashed, token: None, recorded_calls: 100_000, lenient: false }
    }
}
