//! A reader that reads ahead: a thread reads the next blocks, a bounded number, while the caller compares rows.

use super::error::SnapshotError;
use super::line::{Block, BlockLines, Line};
use super::read::SnapshotReader;
use std::io;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

/// The maximum number of blocks that wait for the caller.
const BLOCKS: usize = 4;

/// The rows of a snapshot, in the order of the file.
pub struct PrefetchReader {
    lines: BlockLines,
    blocks: Receiver<Result<Block, SnapshotError>>,
    thread: Option<JoinHandle<()>>,
}

impl<R: io::Read + Send + 'static> SnapshotReader<R> {
    /// Starts a thread that reads ahead.
    pub fn ahead(self) -> Result<PrefetchReader, SnapshotError> {
        let (sender, blocks) = mpsc::sync_channel(BLOCKS);
        let Self { blocks: mut source, lines } = self;
        let file = source.file.clone();
        let thread = thread::Builder::new()
            .name("snapshot-reader".to_owned())
            // A send fails if the caller has dropped the reader, for example after an error of the other snapshot. Then the thread ends.
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
                Ok(Ok(block)) => self.lines = BlockLines::from(block),
                Ok(Err(error)) => return Some(Err(error)),
                Err(_) => break,
            }
        }
        // The thread has ended. If it panicked, resume the panic, so that a part of a file is never treated as the whole file.
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        None
    }
}
