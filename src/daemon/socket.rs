//! The file of the control socket: beside the database, accessible only to its owner, present while the daemon runs.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// The kernel's limit for the path of a socket (Linux 108, others 104), less one byte for the terminating NUL.
const MAX_PATH_BYTES: usize = 103;

/// The error if the socket cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("the control socket {path} cannot be created: {source}")]
pub struct SocketError {
    path: PathBuf,
    source: io::Error,
}

/// The listening socket. Dropping it removes the file.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    file: SocketFile,
}

/// The socket's file, removed on drop.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl ControlSocket {
    /// Listens on a socket beside the database. The caller holds the instance lock, so an existing socket is left over from a killed daemon
    /// and is replaced.
    pub fn bind(database: &Path) -> Result<Self, SocketError> {
        let path = socket_path(database);
        bind(&path).map(|listener| Self { listener, file: SocketFile(path.clone()) }).map_err(|source| SocketError { path, source })
    }

    pub(super) fn into_parts(self) -> (UnixListener, SocketFile) {
        (self.listener, self.file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that stays does no harm: connections to it are refused, and the next daemon replaces it.
        let _ = fs::remove_file(&self.0);
    }
}

/// Connects to the daemon of a database. An error means that no daemon runs.
pub async fn connect(database: &Path) -> io::Result<UnixStream> {
    let path = socket_path(database);
    let (short, _directory) = within_path_limit(&path)?;
    UnixStream::connect(short).await
}

/// Creates the socket in a private directory, sets its mode, and then renames it. So it never exists with a mode that lets other users
/// connect.
fn bind(path: &Path) -> io::Result<UnixListener> {
    // Fail now if a client could not connect to this path.
    within_path_limit(path)?;
    let mut private = path.as_os_str().to_owned();
    private.push(format!(".{}", std::process::id()));
    let private = PathBuf::from(private);
    match fs::remove_dir_all(&private) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut directory = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
    directory.create(&private)?;
    let inside = private.join("s");
    let bound = within_path_limit(&inside).and_then(|(short, _directory)| UnixListener::bind(short)).and_then(|listener| {
        fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
        fs::rename(&inside, path)?;
        Ok(listener)
    });
    fs::remove_dir_all(&private)?;
    bound
}

/// Returns a path to the same file that is short enough for the kernel. For a path that is too long, it opens the directory and returns a
/// path below /proc/self/fd; the caller keeps the directory open while it uses the path.
fn within_path_limit(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if path.as_os_str().len() <= MAX_PATH_BYTES {
        return Ok((path.to_owned(), None));
    }
    let too_long = || io::Error::new(io::ErrorKind::InvalidFilename, "its path is too long for a socket: give a shorter DATABASE_PATH");
    let (directory, name) = (path.parent().ok_or_else(too_long)?, path.file_name().ok_or_else(too_long)?);
    let opened = File::open(directory)?;
    let short = Path::new("/proc/self/fd").join(opened.as_raw_fd().to_string()).join(name);
    if short.as_os_str().len() > MAX_PATH_BYTES || !short.parent().is_some_and(Path::exists) {
        return Err(too_long());
    }
    Ok((short, Some(opened)))
}

/// `sync.db` → `sync.db.sock`
fn socket_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".sock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_control_socket_is_private_replaces_a_stale_one_and_is_removed_at_the_end() {
        let directory = tempfile::tempdir().expect("a directory");
        for length in [1, 100, 200] {
            let deep = directory.path().join("d".repeat(length));
            fs::create_dir(&deep).expect("made");
            let database = deep.join("sync.db");
            assert!(connect(&database).await.is_err());
            fs::write(socket_path(&database), "left").expect("written");
            let socket = ControlSocket::bind(&database).expect("it listens");
            let mode = fs::metadata(socket_path(&database)).expect("it exists").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            connect(&database).await.expect("it answers");
            socket.listener.accept().await.expect("a client");
            drop(socket);
            assert_eq!(fs::read_dir(&deep).expect("a directory").count(), 0, "nothing is left behind");
        }
    }

    #[tokio::test]
    async fn a_path_that_no_socket_can_have_is_reported() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = ControlSocket::bind(&directory.path().join("n".repeat(200))).expect_err("too long").to_string();
        assert!(error.contains("give a shorter DATABASE_PATH"), "{error}");
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0, "nothing is left behind");
    }
}
