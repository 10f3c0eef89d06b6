//! Checks that the database file exists or can be created, so that the error names the problem. SQLite only says "unable to open
//! database file" or "disk I/O error". Does not open the database.

use crate::state::error::StateError;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

/// Size of the trial file: as much as one or two transactions.
const TRIAL_BYTES: usize = 64 * 1024;

/// An existing path must be a file: the program would change the mode of a device, too.
pub(crate) fn may_be_opened(path: &Path) -> Result<(), StateError> {
    match fs::metadata(path) {
        Ok(facts) if !facts.is_file() => Err(StateError::NotAFile { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// The path must exist and be a file.
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

/// Creates the directory of the database if it is missing.
pub(crate) fn make_directory(database: &Path) -> Result<(), StateError> {
    let Some(directory) = database.parent().filter(|directory| !directory.as_os_str().is_empty()) else { return Ok(()) };
    fs::create_dir_all(directory).map_err(|error| {
        let message = format!("its directory cannot be made: {error}; correct DATABASE_PATH, or make it");
        StateError::file(database, &message)
    })
}

/// Checks the database's directory, or the nearest existing one above it: SQLite creates files beside the database.
pub(crate) fn directory_takes_files(database: &Path) -> Result<(), StateError> {
    let here = |path: &&Path| path.as_os_str().is_empty() || path.exists();
    let nearest = database.ancestors().skip(1).find(here).unwrap_or(Path::new(""));
    let trial = nearest.join(format!(".s3-sync-trial-{}", std::process::id()));
    try_to_write(&trial).map_err(|error| {
        let directory = if nearest.as_os_str().is_empty() { Path::new(".") } else { nearest };
        StateError::file(database, &format!("{} takes no new file of {} KiB: {error}", directory.display(), TRIAL_BYTES / 1024))
    })
}

/// Writes content, too: on a full disk a file can be created but not filled.
fn try_to_write(trial: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(trial)?;
    let written = file.write_all(&vec![0; TRIAL_BYTES]).and_then(|()| file.sync_all());
    fs::remove_file(trial)?;
    written
}
