//! The bytes of an object, and their streaming. Bytes described by a seed are generated while they are sent and never stored.

use bytes::Bytes;
use futures::Stream;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};
use std::ops::Range;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

/// Largest chunk.
const CHUNK_BYTES: u64 = 256 * 1024;
/// Every chunk of generated content begins with its seed and its number, so that no two chunks are alike.
const STAMP_BYTES: usize = 16;

/// The rest of every generated chunk is this noise, which is sent without a copy.
static NOISE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = (0..CHUNK_BYTES / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect::<Vec<u8>>().into()
});

/// The content of an object.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Held(Bytes),
    Generated { size: u64, seed: u64 },
}

impl Content {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Generated { size, .. } => *size,
        }
    }

    /// The chunks of a range, which must be inside the content.
    pub(crate) fn chunks(&self, range: Range<u64>) -> Chunks {
        Chunks { content: self.clone(), range }
    }

    pub(crate) fn all_chunks(&self) -> Chunks {
        self.chunks(0..self.size())
    }

    fn chunk(&self, range: &Range<u64>) -> Bytes {
        match self {
            Self::Held(bytes) => bytes.slice(index(range.start)..index(range.end.min(range.start + CHUNK_BYTES))),
            Self::Generated { seed, .. } => generated_chunk(*seed, range),
        }
    }
}

/// The content that `put_generated` stores for a size and a seed, in chunks.
pub fn generated(size: u64, seed: u64) -> impl Iterator<Item = Bytes> {
    Content::Generated { size, seed }.all_chunks()
}

/// The first chunk of a range: a stamp (or the rest of it), or the noise after it.
fn generated_chunk(seed: u64, range: &Range<u64>) -> Bytes {
    let number = range.start / CHUNK_BYTES;
    let first = index(range.start % CHUNK_BYTES);
    let end = index(range.end.min((number + 1) * CHUNK_BYTES) - number * CHUNK_BYTES);
    if first >= STAMP_BYTES {
        return NOISE.slice(first..end);
    }
    let mut stamp = [0; STAMP_BYTES];
    stamp[..8].copy_from_slice(&seed.to_le_bytes());
    stamp[8..].copy_from_slice(&number.to_le_bytes());
    Bytes::copy_from_slice(&stamp[first..end.min(STAMP_BYTES)])
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("invariant: an offset into memory fits")
}

/// The chunks of a content, in order: an iterator, and a body for `s3s`.
pub(crate) struct Chunks {
    content: Content,
    range: Range<u64>,
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.range.is_empty() {
            return None;
        }
        let chunk = self.content.chunk(&self.range);
        self.range.start += chunk.len() as u64;
        Some(chunk)
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.next().map(Ok))
    }
}

impl ByteStream for Chunks {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(index(self.range.end - self.range.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(chunks: Chunks) -> Vec<u8> {
        chunks.flatten().collect()
    }

    #[test]
    fn a_range_of_generated_content_is_that_part_of_the_whole() {
        let content = Content::Generated { size: 2 * CHUNK_BYTES + 20, seed: 7 };
        let whole = bytes(content.all_chunks());
        assert_eq!(whole.len() as u64, content.size());
        for range in [0..0, 0..1, 3..18, 15..17, 16..40, CHUNK_BYTES - 1..CHUNK_BYTES + 17, 5..2 * CHUNK_BYTES + 20] {
            assert_eq!(bytes(content.chunks(range.clone())), whole[index(range.start)..index(range.end)], "{range:?}");
        }
    }

    #[test]
    fn seeds_and_chunks_differ() {
        let chunk =
            |seed, number: u64| bytes(Content::Generated { size: 1 << 20, seed }.chunks(number * CHUNK_BYTES..(number + 1) * CHUNK_BYTES));
        assert_ne!(chunk(1, 0), chunk(2, 0));
        assert_ne!(chunk(1, 0), chunk(1, 1));
        assert_eq!(chunk(1, 1), chunk(1, 1));
    }
}
