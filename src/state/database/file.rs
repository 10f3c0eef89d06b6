//! The place of the database file: checks that it exists or could be made, and reports it before SQLite does in its own words
//! ("unable to open database file", "disk I/O error"). It opens no database.

use crate::state::error::StateError;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

/// The number of bytes written for a trial: a transaction or two.
const TRIAL_BYTES: usize = 64 * 1024;

/// An existing path must be a file: a device has a mode as well, and it is not ours to change.
pub(crate) fn may_be_opened(path: &Path) -> Result<(), StateError> {
    match fs::metadata(path) {
        Ok(facts) if !facts.is_file() => Err(StateError::NotAFile { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// The path must exist, and be a file.
pub(crate) fn must_be_there(path: &Path) -> Result<(), StateError> {
    may_be_opened(path)?;
    match fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(StateError::file(path, &"there is none yet: initial-sync makes it"))
        }
        Err(error) => Err(StateError::file(path, &error)),
        Ok(_) => Ok(()),
    }
}

/// Makes the directory of the database when it is not there.
pub(crate) fn make_directory(database: &Path) -> Result<(), StateError> {
    let Some(directory) = database.parent().filter(|directory| !directory.as_os_str().is_empty()) else { return Ok(()) };
    fs::create_dir_all(directory).map_err(|error| {
        let message = format!("its directory cannot be made: {error}; correct DATABASE_PATH, or make it");
        StateError::file(database, &message)
    })
}

/// Its directory, or the nearest one that is there: SQLite keeps files of its own beside the database.
pub(crate) fn directory_takes_files(database: &Path) -> Result<(), StateError> {
    let here = |path: &&Path| path.as_os_str().is_empty() || path.exists();
    let nearest = database.ancestors().skip(1).find(here).unwrap_or(Path::new(""));
    let trial = nearest.join(format!(".s3-sync-trial-{}", std::process::id()));
    try_to_write(&trial).map_err(|error| {
        let directory = if nearest.as_os_str().is_empty() { Path::new(".") } else { nearest };
        StateError::file(database, &format!("{} takes no new file of {} KiB: {error}", directory.display(), TRIAL_BYTES / 1024))
    })
}

/// A disk that is full takes a name, and no content.
fn try_to_write(trial: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(trial)?;
    let written = file.write_all(&vec![0; TRIAL_BYTES]).and_then(|()| file.sync_all());
    fs::remove_file(trial)?;
    written
}
