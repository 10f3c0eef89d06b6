//! A file that is being written. It has a temporary name, and is removed unless it is placed or left for later.

use super::entry::Entry;
use super::error::LocalFsError;
use super::identity::{FileIdentity, identity_of};
use super::instance::{Instance, new_id};
use super::root::Root;
use jiff::Timestamp;
use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, fstat, futimens};
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

/// The name of a temporary file in a directory on another file system begins with this.
pub(super) const BESIDE_TARGET: &str = ".s3-sync-";

/// After the id: the entry only notes in which directory on another file system the temporary file stands.
pub(super) const NOTE: &str = ".at";

/// After the id: what stands here may have come out of its place. Two fields follow, see [`TempEntry::name_for_exchange`].
pub(super) const OUT: &str = ".out.";

/// A temporary name. Removed with what it stands for when dropped, unless disarmed.
#[derive(Debug)]
pub(super) struct TempEntry {
    pub(super) entry: Entry,
    note: Option<Entry>,
    id: String,
    is_armed: bool,
    // Its lock keeps the file from being taken for a left over one.
    _instance: Arc<Instance>,
}

impl TempEntry {
    /// A new name, on the file system on which `target` is or will be.
    pub(super) fn new(root: &Root, instance: &Arc<Instance>, target: &Path) -> Result<Self, LocalFsError> {
        let id = new_id();
        let (directory, path) = root.nearest_directory(target)?;
        if instance.shares_file_system_with(root, &directory)? {
            let entry = instance.temporary(root, &id)?;
            return Ok(Self { entry, note: None, id, is_armed: true, _instance: Arc::clone(instance) });
        }
        let note = instance.temporary(root, &format!("{id}{NOTE}"))?;
        write_note(&note, &path)?;
        let entry = root.entry(directory, &path.join(format!("{BESIDE_TARGET}{id}")));
        Ok(Self { entry, note: Some(note), id, is_armed: true, _instance: Arc::clone(instance) })
    }

    /// The entry of a temporary file that exists.
    pub(super) fn existing(entry: Entry, note: Option<Entry>, id: &str, instance: &Arc<Instance>) -> Self {
        Self { entry, note, id: id.to_owned(), is_armed: true, _instance: Arc::clone(instance) }
    }

    /// The name under which an exchange or a rename puts a file that comes out of its place. After a crash it says what to do: if it stands
    /// for the file with the inode `own` (0 = none), nothing came out; if it stands for the expected file, that file was replaced or
    /// deleted; anything else belongs to another program and is kept.
    pub(super) fn name_for_exchange(&self, own: u64, expected: Option<&FileIdentity>) -> Result<Entry, LocalFsError> {
        let prefix = if self.note.is_some() { BESIDE_TARGET } else { "" };
        let expected = expected.map(FileIdentity::to_string).unwrap_or_default();
        self.entry.sibling(&format!("{prefix}{}{OUT}{own}.{expected}", self.id))
    }

    /// Leaves the entry where it is when this is dropped.
    pub(super) fn disarm(&mut self) {
        self.is_armed = false;
    }

    pub(super) fn arm(&mut self) {
        self.is_armed = true;
    }

    /// The entry stands for nothing any more.
    pub(super) fn done(mut self) -> Result<(), LocalFsError> {
        self.is_armed = false;
        self.note.take().map_or(Ok(()), |note| note.unlink())
    }
}

impl Drop for TempEntry {
    fn drop(&mut self) {
        if self.is_armed {
            // If it fails, the next start removes both.
            let _ = self.entry.unlink();
            let _ = self.note.take().map(|note| note.unlink());
        }
    }
}

fn write_note(note: &Entry, directory: &Path) -> Result<(), LocalFsError> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut file = note.create()?;
    file.write_all(directory.as_os_str().as_bytes()).map_err(|error| LocalFsError::io("write", note.path(), error))
}

/// A file that is being written. Dropped, it is removed.
#[derive(Debug)]
pub struct TempFile {
    file: File,
    temp: TempEntry,
    written: u64,
}

/// A whole file with its data on disk, not yet at its place. Dropped, it is removed.
#[derive(Debug)]
pub struct CompleteFile {
    pub(super) file: File,
    pub(super) temp: TempEntry,
    pub(super) identity: FileIdentity,
}

impl TempFile {
    pub(super) fn create(temp: TempEntry) -> Result<Self, LocalFsError> {
        let file = temp.entry.create()?;
        Ok(Self { file, temp, written: 0 })
    }

    /// Continues at the end of the file.
    pub(super) fn resume(temp: TempEntry) -> Result<Self, LocalFsError> {
        let mut file = temp.entry.open_writable()?;
        let written = file.seek(SeekFrom::End(0)).map_err(|error| LocalFsError::io("read", temp.entry.path(), error))?;
        Ok(Self { file, temp, written })
    }

    /// The name by which [`super::AtomicWriter::resume`] finds the file, if it was left.
    pub fn name(&self) -> &str {
        &self.temp.id
    }

    /// The number of bytes that the file has.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Checks the length, sets the time (`None` = that of the last write), and writes all to the disk.
    pub fn finish(self, expected_bytes: u64, mtime: Option<Timestamp>) -> Result<CompleteFile, LocalFsError> {
        if self.written != expected_bytes {
            return Err(LocalFsError::WrongLength { expected: expected_bytes, written: self.written });
        }
        let failed = |action, error| LocalFsError::io(action, self.temp.entry.path(), error);
        if let Some(time) = mtime {
            let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
            let times = Timestamps { last_access, last_modification: timespec(time) };
            futimens(&self.file, &times).map_err(|error| failed("set the time of", io::Error::from(error)))?;
        }
        self.file.sync_all().map_err(|error| failed("sync", error))?;
        let stat = fstat(&self.file).map_err(|error| failed("stat", error.into()))?;
        Ok(CompleteFile { file: self.file, temp: self.temp, identity: identity_of(&stat) })
    }

    /// Leaves the bytes for a later [`super::AtomicWriter::resume`], also by another instance, and returns the name. They are on disk then.
    pub fn leave(mut self) -> Result<String, LocalFsError> {
        self.file.sync_all().map_err(|error| LocalFsError::io("sync", self.temp.entry.path(), error))?;
        self.temp.disarm();
        Ok(self.temp.id.clone())
    }
}

impl Write for TempFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += u64::try_from(written).unwrap_or_default();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A time before 1970 has negative seconds, and its nanoseconds count upwards all the same.
fn timespec(time: Timestamp) -> Timespec {
    let (seconds, nanoseconds) = (time.as_second(), i64::from(time.subsec_nanosecond()));
    if nanoseconds < 0 {
        Timespec { tv_sec: seconds - 1, tv_nsec: nanoseconds + 1_000_000_000 }
    } else {
        Timespec { tv_sec: seconds, tv_nsec: nanoseconds }
    }
}
