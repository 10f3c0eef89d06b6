//! Hashing a body while it passes, in a task of its own where that would hold the body up. It compares nothing.

use crate::record::{Checksum, ChecksumAlgorithm, Hasher};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Between two pieces the task yields, so that hashing a large chunk keeps nobody waiting (MD5: about 200 µs).
pub(super) const PIECE_BYTES: usize = 128 * 1024;
/// From this size on, slow hashing goes on beside the transfer: MD5 takes 1.5 s for each GiB, about as long as all the rest.
pub(super) const BESIDE_BYTES: u64 = 1 << 20;
/// Chunks that may wait to be hashed; then the body waits.
const CHUNKS_AHEAD: usize = 4;

/// A checksum in the making.
pub(super) enum Hashing {
    Here(Hasher),
    Beside { chunks: mpsc::Sender<Bytes>, digest: JoinHandle<Checksum> },
}

impl Hashing {
    /// Of a body of about `size` bytes.
    pub(super) fn new(algorithm: ChecksumAlgorithm, size: u64) -> Self {
        let hasher = Hasher::new(algorithm);
        if size < BESIDE_BYTES || is_fast(algorithm) {
            return Self::Here(hasher);
        }
        let (chunks, queue) = mpsc::channel(CHUNKS_AHEAD);
        Self::Beside { chunks, digest: tokio::spawn(all_of(queue, hasher)) }
    }

    /// The next bytes. They are not copied.
    pub(super) async fn update(&mut self, chunk: &Bytes) {
        match self {
            Self::Here(hasher) => hash(hasher, chunk).await,
            // Without the other end there will be no digest, which `finish` tells.
            Self::Beside { chunks, .. } => drop(chunks.send(chunk.clone()).await),
        }
    }

    /// The checksum of all of them; `None` when the runtime ends before it is known.
    pub(super) async fn finish(self) -> Option<Checksum> {
        match self {
            Self::Here(hasher) => Some(hasher.finish()),
            Self::Beside { chunks, digest } => {
                drop(chunks);
                digest.await.ok()
            }
        }
    }
}

/// The CRCs take no longer than passing the bytes on to somebody else would.
fn is_fast(algorithm: ChecksumAlgorithm) -> bool {
    match algorithm {
        ChecksumAlgorithm::Crc64Nvme | ChecksumAlgorithm::Crc32c | ChecksumAlgorithm::Crc32 => true,
        ChecksumAlgorithm::Sha256 | ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Md5 => false,
    }
}

async fn all_of(mut queue: mpsc::Receiver<Bytes>, mut hasher: Hasher) -> Checksum {
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
