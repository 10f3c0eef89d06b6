//! Objects as files on disk: their names, and writes that are killed, raced or run out of space.

mod near_collisions;
mod canary;
mod mounts;
#[cfg(feature = "failpoints")]
mod killed;

use s3_sync::local_fs::{AtomicWriter, DirectorySyncs, FileHandle, LocalFsError, Placed, Root};
use s3_sync::record::ObjectKey;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn start(root: &Path) -> AtomicWriter {
    AtomicWriter::start(Root::open(root).expect("opened"), &|_| false).expect("started").0
}

/// Writes a whole file, as a sink does it for a group of one.
fn put(writer: &AtomicWriter, raw: &str, content: &str, expected: Option<&FileHandle>) -> Result<Placed, LocalFsError> {
    let mut file = writer.create(&key(raw))?;
    let written = file.write_all(content.as_bytes());
    written.map_err(|source| LocalFsError::Io { action: "write", path: PathBuf::from(raw), source })?;
    let complete = file.finish(u64::try_from(content.len()).expect("small"), None)?;
    let mut syncs = DirectorySyncs::default();
    let placed = writer.place(complete, &key(raw), expected, &mut syncs)?;
    writer.sync(syncs)?;
    Ok(placed)
}

/// All files below a directory, with their contents.
fn files_below(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        match path.symlink_metadata().expect("there") {
            metadata if metadata.is_dir() => found.extend(files_below(&path)),
            metadata if metadata.is_file() => found.push((path.clone(), fs::read_to_string(&path).expect("text"))),
            _ => {}
        }
    }
    found.sort();
    found
}

/// Temporary files: those of instances, and those beside their targets.
fn temporary_below(root: &Path) -> Vec<PathBuf> {
    let is_temporary = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        let is_lock = name == "lock" || name == "start.lock";
        (path.starts_with(root.join(".s3-sync/tmp")) && !is_lock) || name.starts_with(".s3-sync-")
    };
    files_below(root).into_iter().map(|(path, _)| path).filter(is_temporary).collect()
}

/// The value of a variable that this test binary passes to itself when it starts a child.
#[expect(clippy::disallowed_methods, reason = "this is how a test passes its arguments to a child process")]
fn from_parent(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}
