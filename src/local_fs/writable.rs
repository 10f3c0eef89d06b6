//! The check whether a directory can be written to, which changes nothing.

use super::error::LocalFsError;
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
use std::io::ErrorKind;
use std::path::Path;

/// Checks that files can be written beneath the directory. One that does not exist yet can be created where its nearest ancestor allows it.
pub fn check_writable(root: &Path) -> Result<(), LocalFsError> {
    let nearest = root.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("."));
    let found = nearest.metadata().map_err(|error| LocalFsError::io("open", nearest, error))?;
    if !found.is_dir() {
        return Err(LocalFsError::io("open", nearest, ErrorKind::NotADirectory));
    }
    access(nearest, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| LocalFsError::io("write to", nearest, error))?;
    let file_system = statvfs(nearest).map_err(|error| LocalFsError::io("stat", nearest, error))?;
    if file_system.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(LocalFsError::io("write to", nearest, ErrorKind::ReadOnlyFilesystem));
    }
    // Some file systems state no number of blocks.
    if file_system.f_blocks > 0 && file_system.f_bavail == 0 {
        return Err(LocalFsError::io("write to", nearest, ErrorKind::StorageFull));
    }
    Ok(())
}
