//! Objects as files beneath a directory: the path of each key, and files that are written whole or not at all.
//!
//! It knows no source, sink, state or engine. All functions block: an async caller runs them on a thread for blocking work.

pub mod key_path;
mod root;
mod entry;
mod identity;
mod directory_syncs;
mod error;

pub use directory_syncs::DirectorySyncs;
pub use error::LocalFsError;
pub use identity::{FileHandle, FileIdentity, FileKind, StandsAt};
pub use root::{FileStat, Root};
