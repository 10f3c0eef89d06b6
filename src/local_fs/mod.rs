//! Objects as files beneath a directory: the path of each key, and files that are written whole or not at all.
//!
//! It knows no source, sink, state or engine. All functions block: an async caller runs them on a thread for blocking work.

pub mod key_path;
mod root;
mod atomic_write;
mod place;
mod exchange;
mod temp_file;
mod instance;
mod left_over;
mod kept;
mod identity;
mod attributes;
mod folded_name;
mod same_content;
mod remove_tree;
mod writable;
mod entry;
mod directory_syncs;
mod error;

pub use atomic_write::AtomicWriter;
pub use directory_syncs::DirectorySyncs;
pub use error::LocalFsError;
pub use identity::{FileHandle, FileIdentity, FileKind, StandsAt};
pub use left_over::LeftOver;
pub use place::{Placed, Removed};
pub use root::{FileStat, Root};
pub use temp_file::{CompleteFile, TempFile};
pub use writable::check_writable;
