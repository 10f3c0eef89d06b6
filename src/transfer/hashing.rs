//! Hashes a body while it is streamed, in a background task if hashing would slow the stream down.

use crate::record::{Checksum, ChecksumAlgorithm, Hasher};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The hasher yields after each piece of this size, so that a large chunk does not block other tasks (MD5: about 200 µs per piece).
pub(super) const PIECE_BYTES: usize = 128 * 1024;
/// From this size on, slow algorithms run in a background task: MD5 takes 1.5 s per GiB, about as long as all other work.
pub(super) const BACKGROUND_MIN_BYTES: u64 = 1 << 20;
/// The maximum number of chunks that wait for hashing. Beyond it the stream waits.
const CHUNKS_AHEAD: usize = 4;

/// A checksum being computed.
pub(super) enum Hashing {
    Inline(Hasher),
    Background { chunks: mpsc::Sender<Bytes>, digest: JoinHandle<Checksum> },
}

impl Hashing {
    /// Starts hashing a body of about `size` bytes.
    pub(super) fn new(algorithm: ChecksumAlgorithm, size: u64) -> Self {
        let hasher = Hasher::new(algorithm);
        if size < BACKGROUND_MIN_BYTES || is_fast(algorithm) {
            return Self::Inline(hasher);
        }
        let (chunks, queue) = mpsc::channel(CHUNKS_AHEAD);
        Self::Background { chunks, digest: tokio::spawn(hash_all(queue, hasher)) }
    }

    /// Hashes the next chunk, without copying it.
    pub(super) async fn update(&mut self, chunk: &Bytes) {
        match self {
            Self::Inline(hasher) => hash(hasher, chunk).await,
            // If the task has ended, there is no digest, and `finish` returns `None`.
            Self::Background { chunks, .. } => drop(chunks.send(chunk.clone()).await),
        }
    }

    /// The checksum of all chunks; `None` = the runtime ended before it was known.
    pub(super) async fn finish(self) -> Option<Checksum> {
        match self {
            Self::Inline(hasher) => Some(hasher.finish()),
            Self::Background { chunks, digest } => {
                drop(chunks);
                digest.await.ok()
            }
        }
    }
}

/// True for the CRCs: computing them takes no longer than sending the bytes to another task.
fn is_fast(algorithm: ChecksumAlgorithm) -> bool {
    match algorithm {
        ChecksumAlgorithm::Crc64Nvme | ChecksumAlgorithm::Crc32c | ChecksumAlgorithm::Crc32 => true,
        ChecksumAlgorithm::Sha256 | ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Md5 => false,
    }
}

async fn hash_all(mut queue: mpsc::Receiver<Bytes>, mut hasher: Hasher) -> Checksum {
    while let Some(chunk) = queue.recv().await {
        hash(&mut hasher, &chunk).await;
    }
    hasher.finish()
}

async fn hash(hasher: &mut Hasher, chunk: &Bytes) {
    let mut pieces = chunk.chunks(PIECE_BYTES).peekable();
    while let Some(piece) = pieces.next() {
        hasher.update(piece);
        if pieces.peek().is_some() {
            tokio::task::yield_now().await;
        }
    }
}
