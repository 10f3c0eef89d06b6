//! The lock that keeps two processes from using one state: a separate file beside the database, locked by the kernel as long as
//! the process lives. It also stores the last run's number, which a restored database does not know.

use crate::state::database::file;
use crate::state::error::{Holder, StateError};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Attempts to take the lock, and the wait between two: far below a second, within which a second process must get its error.
const TRIES: usize = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// The contents of the lock file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default)]
    holder: Holder,
    #[serde(default)]
    last_run: u64,
}

/// The lock, held until it is dropped or the process ends in any way.
#[derive(Debug)]
pub struct InstanceLock {
    file: File,
    path: PathBuf,
    contents: Contents,
}

impl InstanceLock {
    /// Takes the lock of a database without waiting, or returns its holder.
    pub fn take(database: &Path, command: &str) -> Result<Self, StateError> {
        let path = beside(database);
        file::may_be_opened(database)?;
        file::make_directory(database)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|error| StateError::file(&path, &error))?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Held(read(&mut file).holder)),
            Err(TryLockError::Error(error)) => return Err(StateError::file(&path, &format!("cannot be locked: {error}"))),
        }
        let last_run = read(&mut file).last_run;
        let since = jiff::Timestamp::now().to_string();
        let holder = Holder { pid: std::process::id(), host: host(), command: command.to_owned(), since };
        let mut lock = Self { file, path, contents: Contents { holder, last_run } };
        lock.write()?;
        Ok(lock)
    }

    /// The number of the last run that this lock saw.
    pub fn last_run(&self) -> u64 {
        self.contents.last_run
    }

    /// Remembers a run's number; call it after the run is committed.
    pub fn remember_run(&mut self, number: u64) -> Result<(), StateError> {
        self.contents.last_run = number;
        self.write()
    }

    fn write(&mut self) -> Result<(), StateError> {
        let text = serde_json::to_vec(&self.contents).map_err(|error| StateError::file(&self.path, &error))?;
        // Written in place, never replaced by a rename: the kernel's lock belongs to this very file. Written before it is
        // truncated: a kill between the two leaves the end of the old text after the new one, and `read` ignores it.
        (|| {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&text)?;
            self.file.set_len(text.len() as u64)?;
            self.file.sync_data()
        })()
        .map_err(|error| StateError::file(&self.path, &error))
    }
}

impl Drop for InstanceLock {
    /// Closing the file would be enough, except if this process is just starting a child, which still has it open.
    fn drop(&mut self) {
        // If the unlock fails, the end of the process unlocks the file.
        let _ = self.file.unlock();
    }
}

/// A process that only asks for the holder has the lock for a moment. A few attempts tell it from an owner.
fn lock(file: &File) -> Result<(), TryLockError> {
    let tried = (1..TRIES).find_map(|_| match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            std::thread::sleep(BETWEEN_TRIES);
            None
        }
        other => Some(other),
    });
    tried.unwrap_or_else(|| file.try_lock())
}

/// The process that holds the lock of a database now; `None` = no process. Changes and creates nothing.
pub fn holder(database: &Path) -> Option<Holder> {
    let mut file = File::open(beside(database)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read(&mut file).holder),
        // Closing the file releases the lock.
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// The last run's number in the lock file of a database; 0 = none. Changes and creates nothing.
pub fn last_run(database: &Path) -> u64 {
    File::open(beside(database)).map_or(0, |mut file| read(&mut file).last_run)
}

/// The name of this machine or container. Only Linux has it in a file. It is only displayed.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// `sync.db` → `sync.db.lock`.
fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn read(file: &mut File) -> Contents {
    let mut text = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(4096).read_to_end(&mut text));
    // Only the first value: a process killed between writing and truncating leaves the end of a longer text behind it.
    let first = read.ok().and_then(|_| serde_json::Deserializer::from_slice(&text).into_iter().next());
    first.and_then(Result::ok).unwrap_or_default()
}
