//! Objects as files beneath a directory: the path of each key, and files that are written whole or not at all.
//!
//! It knows no source, sink, state or engine. All functions block: an async caller runs them on a thread for blocking work.

pub mod key_path;
