//! The bytes of a file while they are received: counted, hashed, and stored according to the options. Content that is dropped
//! before it is kept leaves nothing behind. No path of the client is ever used on disk.

use crate::options::Contents;
use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Completely received content.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) size: u64,
    /// Lower-case hexadecimal.
    pub(crate) sha256: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Nowhere,
    Memory(BytesMut),
    Disk(Unfinished),
}

/// A file in the blob directory without an owner; it is removed unless it gets one.
#[derive(Debug)]
struct Unfinished {
    directory: PathBuf,
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn create(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!("incoming-{}", Uuid::new_v4()));
        Ok(Self { directory: directory.to_owned(), file: File::create_new(&path)?, path })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After a rename there is nothing to remove. An error here must not hide why the content was dropped.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Content that is being received.
pub(crate) struct Incoming {
    size: u64,
    hash: Sha256,
    place: Place,
}

impl Incoming {
    pub(crate) fn new(contents: &Contents) -> io::Result<Self> {
        let place = match contents {
            Contents::Hashed => Place::Nowhere,
            Contents::Memory => Place::Memory(BytesMut::new()),
            Contents::Directory(directory) => Place::Disk(Unfinished::create(directory)?),
        };
        Ok(Self { size: 0, hash: Sha256::new(), place })
    }

    /// Writes a chunk. It goes to the page cache directly: a thread pool would cost more than it saves here.
    pub(crate) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.size += chunk.len() as u64;
        self.hash.update(chunk);
        match &mut self.place {
            Place::Nowhere => {}
            Place::Memory(bytes) => bytes.extend_from_slice(chunk),
            Place::Disk(unfinished) => unfinished.file.write_all(chunk)?,
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Content {
        Content { size: self.size, sha256: hexadecimal(&self.hash.finalize()), place: self.place }
    }
}

impl Content {
    /// Assigns the content to the file with this id, replacing its old one; returns the bytes if they are kept in memory.
    pub(crate) fn keep(self, internal_id: Uuid) -> io::Result<Option<Bytes>> {
        match self.place {
            Place::Nowhere => Ok(None),
            Place::Memory(bytes) => Ok(Some(bytes.freeze())),
            Place::Disk(unfinished) => std::fs::rename(&unfinished.path, blob_path(&unfinished.directory, internal_id)).map(|()| None),
        }
    }
}

/// Removes a deleted file's content from disk.
pub(crate) fn discard(contents: &Contents, internal_id: Uuid) -> io::Result<()> {
    match contents {
        Contents::Hashed | Contents::Memory => Ok(()),
        Contents::Directory(directory) => std::fs::remove_file(blob_path(directory, internal_id)),
    }
}

fn blob_path(directory: &Path, internal_id: Uuid) -> PathBuf {
    directory.join(internal_id.to_string())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("invariant: writing to a string cannot fail");
        text
    })
}
