//! Cuts a body into parts: into memory, as a stream, or only hashed. The body is read once.

use super::hashing::Hashing;
use crate::endpoint::{ByteStream, EndpointError};
use crate::record::{Checksum, ChecksumAlgorithm};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use std::sync::Arc;
use tokio::sync::Mutex;

/// A body that is read part by part.
pub(super) struct BodyParts {
    body: ByteStream,
    /// What is left of the last chunk.
    rest: Bytes,
    /// The body's error, after which nothing is read.
    failure: Option<EndpointError>,
}

impl BodyParts {
    pub(super) fn new(body: ByteStream) -> Self {
        Self { body, rest: Bytes::new(), failure: None }
    }

    /// Why the last part was not read as a whole; `None` = the body ended.
    pub(super) fn failure(&self) -> Option<EndpointError> {
        self.failure.clone()
    }

    /// A part in memory, with its MD5 if it is wanted; `None` = the body ended early or failed.
    pub(super) async fn part(&mut self, length: u64, hashed: bool) -> Option<(Bytes, Option<Checksum>)> {
        let mut hashing = hashed.then(|| Hashing::new(ChecksumAlgorithm::Md5, length));
        let mut part = BytesMut::new();
        let mut missing = length;
        while missing > 0 {
            let chunk = self.chunk(missing).await?;
            missing -= chunk.len() as u64;
            if let Some(hashing) = &mut hashing {
                hashing.update(&chunk).await;
            }
            if part.is_empty() {
                // A shorter buffer would be copied each time it grows.
                part.reserve(usize::try_from(length).unwrap_or_default());
            }
            part.extend_from_slice(&chunk);
        }
        let md5 = match hashing {
            Some(hashing) => Some(hashing.finish().await?),
            None => None,
        };
        Some((part.freeze(), md5))
    }

    /// The MD5 of a part that is not sent; `None` = the body ended early or failed.
    pub(super) async fn md5_of_part(&mut self, length: u64) -> Option<Checksum> {
        let mut hashing = Hashing::new(ChecksumAlgorithm::Md5, length);
        let mut missing = length;
        while missing > 0 {
            let chunk = self.chunk(missing).await?;
            missing -= chunk.len() as u64;
            hashing.update(&chunk).await;
        }
        hashing.finish().await
    }

    /// A part as a stream. It ends early if the body does.
    pub(super) fn streamed_part(parts: &Arc<Mutex<Self>>, length: u64) -> ByteStream {
        let read = |(parts, missing): (Arc<Mutex<Self>>, u64)| async move {
            let chunk = if missing == 0 { None } else { parts.lock().await.chunk(missing).await }?;
            let left = missing - chunk.len() as u64;
            Some((Ok(chunk), (parts, left)))
        };
        stream::unfold((Arc::clone(parts), length), read).boxed()
    }

    /// True if the body has no more bytes and did not fail.
    pub(super) async fn has_ended(&mut self) -> bool {
        self.chunk(1).await.is_none() && self.failure.is_none()
    }

    /// The next bytes, at most this many.
    async fn chunk(&mut self, most: u64) -> Option<Bytes> {
        while self.rest.is_empty() {
            if self.failure.is_some() {
                return None;
            }
            match self.body.next().await? {
                Ok(chunk) => self.rest = chunk,
                Err(error) => self.failure = Some(error),
            }
        }
        let length = usize::try_from(most).map_or(self.rest.len(), |most| most.min(self.rest.len()));
        Some(self.rest.split_to(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{ContentFault, EndpointId};
    use crate::record::ObjectKey;

    fn parts(chunks: &[&'static str], fails: bool) -> BodyParts {
        let key = ObjectKey::new("k").expect("invariant: not empty");
        let failure = fails.then(|| Err(EndpointError::of_content(&EndpointId::new("s3"), &key, ContentFault::Corrupt, "wrong")));
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).chain(failure).collect();
        BodyParts::new(stream::iter(chunks).boxed())
    }

    #[tokio::test]
    async fn parts_do_not_depend_on_the_chunks() {
        for chunks in [&["0123456789"][..], &["012", "", "34567", "89"], &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]] {
            let mut body = parts(chunks, false);
            let (first, md5) = body.part(4, true).await.expect("a part");
            assert_eq!((&first[..], md5), (&b"0123"[..], Some(Checksum::of(ChecksumAlgorithm::Md5, b"0123"))));
            assert_eq!(body.md5_of_part(2).await, Some(Checksum::of(ChecksumAlgorithm::Md5, b"45")));
            let shared = Arc::new(Mutex::new(body));
            let streamed: Vec<_> = BodyParts::streamed_part(&shared, 3).map(|chunk| chunk.expect("bytes")).collect().await;
            assert_eq!(streamed.concat(), b"678");
            let mut body = shared.lock().await;
            assert_eq!(body.part(1, false).await.map(|(part, _)| part), Some(Bytes::from_static(b"9")));
            assert!(body.has_ended().await);
        }
    }

    #[tokio::test]
    async fn a_body_that_ends_or_fails_has_no_further_part() {
        for fails in [false, true] {
            let mut body = parts(&["012"], fails);
            assert_eq!(body.part(4, false).await, None);
            assert_eq!(body.failure().is_some(), fails);
            let mut longer = parts(&["0123"], fails);
            assert!(longer.part(3, false).await.is_some() && !longer.has_ended().await);
        }
        let mut failing = parts(&["012"], true);
        assert!(failing.part(3, false).await.is_some() && !failing.has_ended().await && failing.failure().is_some());
    }
}
