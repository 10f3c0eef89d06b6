//! A root with a writer, in a directory of its own.

use crate::local_fs::{AtomicWriter, CompleteFile, DirectorySyncs, FileHandle, LocalFsError, Placed, Removed, Root};
use crate::record::ObjectKey;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A writer, and the directory that contains its root.
pub(super) struct Scene {
    pub(super) base: TempDir,
    pub(super) writer: AtomicWriter,
}

/// What the system of a scene lacks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lacks {
    openat2: bool,
    rename_flags: bool,
    one_file_system: bool,
}

pub(super) const NOTHING: Lacks = Lacks { openat2: false, rename_flags: false, one_file_system: false };

/// A scene for each way in which systems differ.
pub(super) fn scenes() -> impl Iterator<Item = Scene> {
    let all = [
        NOTHING,
        Lacks { openat2: true, ..NOTHING },
        Lacks { rename_flags: true, ..NOTHING },
        Lacks { one_file_system: true, ..NOTHING },
        Lacks { openat2: true, rename_flags: true, one_file_system: true },
    ];
    all.into_iter().map(Scene::new)
}

pub(super) fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

/// Opens a root without what the system lacks.
pub(super) fn root(path: &Path, lacks: Lacks) -> Root {
    let mut root = Root::open(path).expect("opened");
    root.abilities.openat2 &= !lacks.openat2;
    root.abilities.rename_flags &= !lacks.rename_flags;
    root.abilities.one_file_system &= !lacks.one_file_system;
    root
}

impl Scene {
    pub(super) fn new(lacks: Lacks) -> Self {
        let base = tempfile::tempdir().expect("a directory");
        fs::create_dir(base.path().join("root")).expect("created");
        let (writer, _) = AtomicWriter::start(root(&base.path().join("root"), lacks), &|_| false).expect("started");
        Self { base, writer }
    }

    pub(super) fn root_path(&self) -> PathBuf {
        self.base.path().join("root")
    }

    pub(super) fn complete(&self, raw: &str, content: &str) -> CompleteFile {
        let mut file = self.writer.create(&key(raw)).expect("created");
        file.write_all(content.as_bytes()).expect("written");
        file.finish(u64::try_from(content.len()).expect("small"), None).expect("finished")
    }

    pub(super) fn try_put(&self, raw: &str, content: &str, expected: Option<&FileHandle>) -> Result<Placed, LocalFsError> {
        let mut syncs = DirectorySyncs::default();
        let placed = self.writer.place(self.complete(raw, content), &key(raw), expected, &mut syncs)?;
        self.writer.sync(syncs)?;
        Ok(placed)
    }

    /// Writes a file where nothing has to be kept.
    pub(super) fn put(&self, raw: &str, content: &str, expected: Option<&FileHandle>) -> FileHandle {
        let placed = self.try_put(raw, content, expected).expect("placed");
        assert!(placed.kept.is_empty(), "{:?}", placed.kept);
        placed.handle
    }

    pub(super) fn place(&self, file: CompleteFile, raw: &str, expected: Option<&FileHandle>) -> Placed {
        let mut syncs = DirectorySyncs::default();
        self.writer.place(file, &key(raw), expected, &mut syncs).expect("placed")
    }

    pub(super) fn delete(&self, raw: &str, expected: Option<&FileHandle>) -> Removed {
        let mut syncs = DirectorySyncs::default();
        let removed = self.writer.delete(&key(raw), expected, &mut syncs).expect("deleted");
        self.writer.sync(syncs).expect("synced");
        removed
    }

    pub(super) fn inspect(&self, raw: &str, handle: Option<&FileHandle>) -> Option<FileHandle> {
        self.writer.inspect(&key(raw), handle).expect("seen")
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root_path().join(path)).expect("a file")
    }

    pub(super) fn write(&self, path: &str, content: &str) {
        let path = self.root_path().join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("created");
        fs::write(path, content).expect("written");
    }

    /// The contents of all kept files.
    pub(super) fn kept(&self) -> Vec<String> {
        let mut contents = Vec::new();
        read_all(&self.root_path().join(".s3-sync/kept"), &mut contents);
        contents.sort();
        contents
    }

    /// No temporary file remains, neither in the instance's directory nor beside a target.
    pub(super) fn assert_nothing_is_left(&self) {
        let mut names = Vec::new();
        list(&self.root_path(), &mut names);
        names.retain(|path| is_temporary(path));
        assert!(names.is_empty(), "{names:?}");
    }
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().expect("a name").to_string_lossy();
    let in_temporary = path.to_string_lossy().contains(".s3-sync/tmp/") && path.is_file();
    (in_temporary && name != "lock" && name != "start.lock") || name.starts_with(".s3-sync-")
}

fn list(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("read") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            list(&entry.path(), found);
        }
        found.push(entry.path());
    }
}

fn read_all(directory: &Path, contents: &mut Vec<String>) {
    let mut found = Vec::new();
    if directory.exists() {
        list(directory, &mut found);
    }
    contents.extend(found.iter().filter(|path| path.is_file()).map(|path| fs::read_to_string(path).expect("a kept file")));
}
