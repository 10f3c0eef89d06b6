//! Reading ahead: a thread reads the next block while the caller compares the rows before. It holds a few blocks and no more.

use super::error::SnapshotError;
use super::line::{Block, Line, Lines};
use super::read::SnapshotReader;
use std::io;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

/// The number of blocks that may wait.
const BLOCKS: usize = 4;

/// The lines of a snapshot, in their order.
pub struct PrefetchReader {
    lines: Lines,
    blocks: Receiver<Result<Block, SnapshotError>>,
    thread: Option<JoinHandle<()>>,
}

impl<R: io::Read + Send + 'static> SnapshotReader<R> {
    /// Reads ahead in a new thread.
    pub fn ahead(self) -> Result<PrefetchReader, SnapshotError> {
        let (sender, blocks) = mpsc::sync_channel(BLOCKS);
        let Self { blocks: mut source, lines } = self;
        let file = source.file.clone();
        let thread = thread::Builder::new()
            .name("snapshot-reader".to_owned())
            // The comparing caller failed on the other side, and needs no more.
            .spawn(move || drop(source.try_for_each(|block| sender.send(block))))
            .map_err(|source| SnapshotError::Io { action: "start reading", path: file, source })?;
        Ok(PrefetchReader { lines, blocks, thread: Some(thread) })
    }
}

impl Iterator for PrefetchReader {
    type Item = Result<Line, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.lines.next() {
                return Some(Ok(line));
            }
            match self.blocks.recv() {
                Ok(Ok(block)) => self.lines = Lines::from(block),
                Ok(Err(error)) => return Some(Err(error)),
                Err(_) => break,
            }
        }
        // The thread has come to the end, or to a bug: half a file is never taken for a whole one.
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        None
    }
}
