//! The log file. Before a line would make it too large, the file is renamed to `.1`, the previous `.1` to `.2`, and so on. tracing-appender
//! is not used, because it rotates by time only and cannot set the files' mode.

use crate::config::LogFileSettings;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

/// The log file, shared by all threads.
pub(super) struct LogFile(Mutex<Current>);

/// Exclusive access to the file while one line is written.
pub(super) struct LineGuard<'file>(MutexGuard<'file, Current>);

struct Current {
    settings: LogFileSettings,
    file: File,
    bytes: u64,
}

impl LogFile {
    /// Opens or creates the file. Its directory must exist.
    pub(super) fn open(settings: LogFileSettings) -> io::Result<Self> {
        let file = open(&settings.path)?;
        let bytes = file.metadata()?.len();
        Ok(Self(Mutex::new(Current { settings, file, bytes })))
    }
}

impl<'file> MakeWriter<'file> for LogFile {
    type Writer = LineGuard<'file>;

    fn make_writer(&'file self) -> LineGuard<'file> {
        // A poisoned lock is usable: a thread that panicked left at most an incomplete line.
        LineGuard(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for LineGuard<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let current = &mut *self.0;
        if current.bytes > 0 && current.bytes + line.len() as u64 > current.settings.max_bytes {
            // If rotating fails, the file continues to grow, and no line is lost.
            let _ = current.rotate();
        }
        let written = current.file.write(line)?;
        current.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.file.flush()
    }
}

impl Current {
    fn rotate(&mut self) -> io::Result<()> {
        let LogFileSettings { path, kept, .. } = &self.settings;
        // Another process with the same settings, such as a `status` command beside a daemon, may already have rotated the file.
        if self.is_current_file(path) {
            shift_files(path, *kept)?;
        }
        self.file = open(path)?;
        self.bytes = self.file.metadata()?.len();
        Ok(())
    }

    fn is_current_file(&self, path: &Path) -> bool {
        let identity = |facts: fs::Metadata| (facts.dev(), facts.ino());
        let there = fs::metadata(path).map(identity);
        there.is_ok_and(|there| self.file.metadata().map(identity).is_ok_and(|ours| ours == there))
    }
}

/// Renames `x.log` to `x.log.1`, after renaming `x.log.1` to `x.log.2`, and so on. The oldest file is replaced.
fn shift_files(path: &Path, kept: NonZeroUsize) -> io::Result<()> {
    for number in (1..kept.get()).rev() {
        match fs::rename(numbered(path, number), numbered(path, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, numbered(path, 1))
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    struct Directory(tempfile::TempDir);

    impl Directory {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a temporary directory"))
        }

        fn log(&self, max_bytes: u64, kept: usize) -> LogFile {
            let path = self.0.path().join("s.log");
            LogFile::open(LogFileSettings { path, max_bytes, kept: NonZeroUsize::new(kept).expect("not zero") }).expect("it opens")
        }

        /// Every file with its text, in the order of their names.
        fn files(&self) -> Vec<(String, String)> {
            let entries = fs::read_dir(self.0.path()).expect("a directory").map(|entry| entry.expect("an entry"));
            let mut files: Vec<_> = entries
                .map(|entry| {
                    assert_eq!(entry.metadata().expect("facts").permissions().mode() & 0o777, 0o600);
                    (entry.file_name().into_string().expect("text"), fs::read_to_string(entry.path()).expect("readable"))
                })
                .collect();
            files.sort();
            files
        }
    }

    fn write(log: &LogFile, lines: &[&str]) {
        for line in lines {
            log.make_writer().write_all(line.as_bytes()).expect("it can be written");
        }
    }

    fn named(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_line_beyond_the_size_starts_a_new_file_and_removes_the_oldest() {
        let directory = Directory::new();
        let log = directory.log(8, 2);
        write(&log, &["one\n", "two\n"]);
        assert_eq!(directory.files(), named(&[("s.log", "one\ntwo\n")]));
        write(&log, &["three\n", "four\n"]);
        assert_eq!(directory.files(), named(&[("s.log", "four\n"), ("s.log.1", "three\n"), ("s.log.2", "one\ntwo\n")]));
        write(&log, &["a line longer than a file\n"]);
        let expected = [("s.log", "a line longer than a file\n"), ("s.log.1", "four\n"), ("s.log.2", "three\n")];
        assert_eq!(directory.files(), named(&expected));
    }

    #[test]
    fn the_log_file_is_continued_after_a_restart_and_two_processes_rotate_it_once() {
        let directory = Directory::new();
        write(&directory.log(8, 3), &["one\n"]);
        let (first, second) = (directory.log(8, 3), directory.log(8, 3));
        write(&first, &["two\n"]);
        write(&second, &["2nd\n"]);
        write(&first, &["three\n"]);
        write(&second, &["4\n"]);
        assert_eq!(directory.files(), named(&[("s.log", "three\n4\n"), ("s.log.1", "one\ntwo\n2nd\n")]));
    }

    #[test]
    fn without_its_directory_it_does_not_open() {
        let directory = Directory::new();
        let settings =
            LogFileSettings { path: directory.0.path().join("none/s.log"), max_bytes: 8, kept: NonZeroUsize::new(1).expect("not zero") };
        assert_eq!(LogFile::open(settings).err().map(|error| error.kind()), Some(io::ErrorKind::NotFound));
    }
}
