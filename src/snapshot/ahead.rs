//! Reading ahead: a thread of its own parses the next lines while somebody compares those before. It holds a few batches and no more.

use super::error::SnapshotError;
use super::line::Line;
use super::read::SnapshotReader;
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::vec;

/// Lines that are handed over together, and after how many bytes there is no more to a batch.
const BATCH_LINES: usize = 512;
const BATCH_BYTES: usize = 128 * 1024;
/// Batches that wait.
const BATCHES: usize = 2;

type Batch = Vec<Result<Line, SnapshotError>>;

/// The lines of a snapshot, in their order.
pub struct Ahead {
    batch: vec::IntoIter<Result<Line, SnapshotError>>,
    batches: Receiver<Batch>,
    thread: Option<JoinHandle<()>>,
}

impl<R: io::Read + Send + 'static> SnapshotReader<R> {
    /// Reads on in a thread of its own.
    pub fn ahead(self) -> Result<Ahead, SnapshotError> {
        let (sender, batches) = mpsc::sync_channel(BATCHES);
        let file = self.name().to_owned();
        let thread = thread::Builder::new()
            .name("snapshot-reader".to_owned())
            .spawn(move || read_all(self, &sender))
            .map_err(|source| SnapshotError::Io { action: "start reading", path: file, source })?;
        Ok(Ahead { batch: Vec::new().into_iter(), batches, thread: Some(thread) })
    }
}

fn read_all<R: io::Read>(mut reader: SnapshotReader<R>, batches: &SyncSender<Batch>) {
    loop {
        let mut batch = Vec::with_capacity(BATCH_LINES);
        let mut bytes = 0;
        while batch.len() < BATCH_LINES
            && bytes < BATCH_BYTES
            && let Some(line) = reader.next_line()
        {
            bytes += line.as_ref().map_or(0, Line::bytes);
            batch.push(line);
        }
        // Whoever compared has an error of the other side, and needs no more.
        if batch.is_empty() || batches.send(batch).is_err() {
            return;
        }
    }
}

impl Iterator for Ahead {
    type Item = Result<Line, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(line) = self.batch.next() {
            return Some(line);
        }
        if let Ok(batch) = self.batches.recv() {
            self.batch = batch.into_iter();
            return self.batch.next();
        }
        // It has come to the end, or to a bug: half a file is never taken for a whole one.
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        None
    }
}
