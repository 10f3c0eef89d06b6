//! Files of other programs that had to make way. They stand below `.s3-sync/kept/<time>/` at the paths that they had, until they are
//! older than the operator wants.

use super::directory_syncs::DirectorySyncs;
use super::entry::{Entry, Rename};
use super::error::LocalFsError;
use super::identity::{FileKind, kind_of};
use super::remove_tree::{names_in, remove_tree};
use super::root::Root;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, fstat, futimens, readlinkat, symlinkat};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

const KEPT: &str = ".s3-sync/kept";

/// The directory's name is the time, to the second. Characters that some file systems refuse are left out.
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// Directories of one second. A path can be kept once in each.
const MAX_PER_SECOND: u32 = 1000;

/// Moves what stands at the entry to where it is kept, and returns that path. `path` is the path that it had.
pub(super) fn keep(root: &Root, entry: &Entry, path: &Path, syncs: &mut DirectorySyncs) -> Result<PathBuf, LocalFsError> {
    let time = Timestamp::now().strftime(TIME).to_string();
    for number in 0..MAX_PER_SECOND {
        let directory = if number == 0 { time.clone() } else { format!("{time}-{number}") };
        let kept = Path::new(KEPT).join(directory).join(path);
        let target = match root.entry_in_new_directory(&kept, syncs) {
            // A file was kept in this second where now a directory must be.
            Err(LocalFsError::InTheWay { .. }) => continue,
            entry => entry?,
        };
        match entry.rename_to_new(&target)? {
            Rename::Done => {}
            Rename::Taken => continue,
            Rename::OtherFileSystem => copy(entry, &target)?,
            Rename::Missing | Rename::Unsupported => return Err(LocalFsError::KeepsChanging { path: path.to_owned() }),
        }
        syncs.add_parent_of(&kept);
        return Ok(kept);
    }
    Err(LocalFsError::KeepsChanging { path: path.to_owned() })
}

/// Copies what stands on another file system, and then removes it there.
fn copy(from: &Entry, to: &Entry) -> Result<(), LocalFsError> {
    let Some(stat) = from.stat()? else { return Err(LocalFsError::KeepsChanging { path: from.path().to_owned() }) };
    let failed = |error: io::Error| LocalFsError::io("copy", from.path(), error);
    match kind_of(&stat) {
        FileKind::File => {
            let (mut source, mut target) = (from.open()?, to.create()?);
            let times = fstat(&source).map_err(|error| failed(error.into()))?;
            io::copy(&mut source, &mut target).map_err(failed)?;
            let nanoseconds = i64::try_from(times.st_mtime_nsec).unwrap_or_default();
            let last_modification = Timespec { tv_sec: times.st_mtime, tv_nsec: nanoseconds };
            let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
            futimens(&target, &Timestamps { last_access, last_modification }).map_err(|error| failed(error.into()))?;
            target.sync_all().map_err(failed)?;
        }
        FileKind::Link => {
            let leads_to = readlinkat(from.directory(), from.name(), Vec::new()).map_err(|error| failed(error.into()))?;
            symlinkat(OsStr::from_bytes(leads_to.as_bytes()), to.directory(), to.name()).map_err(|error| failed(error.into()))?;
        }
        found => return Err(LocalFsError::InTheWay { path: from.path().to_owned(), found, wanted: FileKind::File }),
    }
    from.unlink()
}

impl Root {
    /// Removes what was kept before this time, and returns the number of files. What a user put there under another name stays.
    pub fn remove_kept_before(&self, before: Timestamp) -> Result<u64, LocalFsError> {
        let kept = Path::new(KEPT);
        let directory = match self.directory(kept) {
            Err(error) if error.is_missing() => return Ok(0),
            opened => opened?,
        };
        let mut removed = 0;
        for name in names_in(&directory, kept)? {
            let name = name?;
            if name.to_str().and_then(time_of).is_some_and(|time| time < before) {
                removed += remove_tree(self, &kept.join(name))?;
            }
        }
        Ok(removed)
    }
}

fn time_of(name: &str) -> Option<Timestamp> {
    let time = name.split_once('-').map_or(name, |(time, _)| time);
    DateTime::strptime(TIME, time).ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_was_kept_is_removed_by_the_time_in_its_name() {
        let base = tempfile::tempdir().expect("a directory");
        let root = Root::open(base.path()).expect("opened");
        let before: Timestamp = "2026-02-01T00:00:00Z".parse().expect("a time");
        assert_eq!(root.remove_kept_before(before).expect("nothing is there"), 0);
        for (name, is_removed) in [
            ("20260131T235959Z", true),
            ("20260131T235959Z-1", true),
            ("20260201T000000Z", false),
            ("20260301T000000Z-2", false),
            ("a user's", false),
        ] {
            let directory = base.path().join(KEPT).join(name);
            fs::create_dir_all(directory.join("a/b")).expect("created");
            fs::write(directory.join("a/b/c"), "").expect("written");
            fs::write(directory.join("d"), "").expect("written");
            assert_eq!(root.remove_kept_before(before).expect("removed"), if is_removed { 2 } else { 0 }, "{name}");
            assert_eq!(directory.exists(), !is_removed, "{name}");
        }
    }

    #[test]
    fn a_path_is_kept_many_times_in_a_second() {
        let base = tempfile::tempdir().expect("a directory");
        let root = Root::open(base.path()).expect("opened");
        let mut syncs = DirectorySyncs::default();
        let mut paths = Vec::new();
        for (at, path) in ["a", "a", "a/b", "a"].into_iter().enumerate() {
            fs::write(base.path().join("x"), at.to_string()).expect("written");
            let entry = root.existing(Path::new("x")).expect("opened").expect("there");
            paths.push(keep(&root, &entry, Path::new(path), &mut syncs).expect("kept"));
        }
        for (at, path) in paths.iter().enumerate() {
            assert_eq!(fs::read_to_string(base.path().join(path)).expect("kept"), at.to_string());
        }
        root.sync(syncs).expect("synced");
    }

    #[test]
    fn a_tree_deeper_than_the_limit_of_open_files_is_removed() {
        let base = tempfile::tempdir().expect("a directory");
        let root = Root::open(base.path()).expect("opened");
        let deep: PathBuf = std::iter::once("top").chain(std::iter::repeat_n("d", 1500)).collect();
        root.make_directories(&deep, &mut DirectorySyncs::default()).expect("made");
        assert_eq!(remove_tree(&root, Path::new("top")).expect("removed"), 0);
        assert!(!base.path().join("top").exists());
    }
}
