//! The place of the database file: whether it is there, whether it could be, told in words before SQLite tells it in its own
//! ("unable to open database file", "disk I/O error"). It opens no database.

use super::{StateError, blocking, open_to_read};
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

/// Whether a run could open the database for writing, or make it. Leaves everything as it is: for a moment a file of
/// another name lies in the directory.
pub async fn can_be_written(database: &Path) -> Result<(), StateError> {
    let database = database.to_owned();
    blocking(move || {
        may_be_opened(&database)?;
        if database.exists() {
            let opened = OpenOptions::new().write(true).open(&database);
            return opened.map(drop).map_err(|error| StateError::file(&database, &format!("cannot be written: {error}")));
        }
        can_be_made(&database)
    })
    .await
}

/// Whether the database is there, is one of ours, and can be read. Blocks.
pub fn can_be_read(database: &Path) -> Result<(), StateError> {
    open_to_read(database).map(drop)
}

/// What is there must be a file: a device has a mode as well, and it is not ours to change.
pub(super) fn may_be_opened(path: &Path) -> Result<(), StateError> {
    match fs::metadata(path) {
        Ok(facts) if !facts.is_file() => Err(StateError::file(path, &"this is not a file: correct DATABASE_PATH")),
        _ => Ok(()),
    }
}

/// It must be there, and a file.
pub(super) fn must_be_there(path: &Path) -> Result<(), StateError> {
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
pub(super) fn make_directory(database: &Path) -> Result<(), StateError> {
    let Some(directory) = database.parent().filter(|directory| !directory.as_os_str().is_empty()) else { return Ok(()) };
    fs::create_dir_all(directory).map_err(|error| {
        let message = format!("its directory cannot be made: {error}; correct DATABASE_PATH, or make it");
        StateError::file(database, &message)
    })
}

fn can_be_made(database: &Path) -> Result<(), StateError> {
    let here = |path: &&Path| path.as_os_str().is_empty() || path.exists();
    let nearest = database.ancestors().skip(1).find(here).unwrap_or(Path::new(""));
    let trial = nearest.join(format!(".s3-sync-trial-{}", std::process::id()));
    let tried = OpenOptions::new().write(true).create_new(true).open(&trial).and_then(|_| fs::remove_file(&trial));
    tried.map_err(|error| {
        let directory = if nearest.as_os_str().is_empty() { Path::new(".") } else { nearest };
        StateError::file(database, &format!("it cannot be made, because {} takes no new file: {error}", directory.display()))
    })
}
