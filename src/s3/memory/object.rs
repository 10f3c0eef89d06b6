//! An object of a bucket in memory: headers, and the body in chunks, intact or with a fault.

use super::super::{Checksum, ChecksumAlgorithm, ObjectHead, ObjectMetadata, S3ByteStream, S3Error, S3ErrorKind};
use super::Fault;
use crate::record::{ETag, ObjectFacts};
use bytes::Bytes;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use std::ops::Range;

/// An object to store. By default it is one written in one part: ETag and checksum are its MD5.
#[derive(Clone, Debug)]
pub struct MemoryObject {
    pub(super) body: Bytes,
    etag: Option<ETag>,
    checksum: Option<Checksum>,
    metadata: Box<ObjectMetadata>,
    storage_class: Option<String>,
    archived: bool,
    last_modified: Option<Timestamp>,
}

impl MemoryObject {
    /// An object with this body.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let md5 = Checksum::of(ChecksumAlgorithm::Md5, &body);
        let etag = ETag::parse(md5.to_string().trim_start_matches("MD5 "));
        Self {
            body,
            etag,
            checksum: Some(md5),
            metadata: Box::new(ObjectMetadata::of_type("binary/octet-stream")),
            storage_class: None,
            archived: false,
            last_modified: None,
        }
    }

    /// Sets the MIME type.
    #[must_use]
    pub fn content_type(self, content_type: &str) -> Self {
        let metadata = ObjectMetadata { content_type: Some(content_type.to_owned()), ..*self.metadata };
        Self { metadata: Box::new(metadata), ..self }
    }

    /// Sets all metadata. Without a MIME type it keeps its own.
    #[must_use]
    pub fn metadata(self, metadata: ObjectMetadata) -> Self {
        let content_type = metadata.content_type.or(self.metadata.content_type);
        Self { metadata: Box::new(ObjectMetadata { content_type, ..metadata }), ..self }
    }

    /// Sets the ETag, for example that of an object written in parts. Removes the checksum; `checksum` can set another one.
    #[must_use]
    pub fn etag(self, etag: &str) -> Self {
        Self { etag: ETag::parse(etag), checksum: None, ..self }
    }

    /// Sets the checksum, right or wrong.
    #[must_use]
    pub fn checksum(self, checksum: Option<Checksum>) -> Self {
        Self { checksum, ..self }
    }

    /// Makes the object archived and not restored: its headers can be read, its body cannot.
    #[must_use]
    pub fn archived(self) -> Self {
        Self { storage_class: Some("GLACIER".to_owned()), archived: true, ..self }
    }

    /// Sets the storage class of a readable object.
    #[must_use]
    pub fn storage_class(self, class: &str) -> Self {
        Self { storage_class: Some(class.to_owned()), ..self }
    }

    pub(super) fn written_as(self, write: i64) -> Self {
        Self { last_modified: Timestamp::from_second(1_700_000_000 + write).ok(), ..self }
    }

    /// The same object with only these bytes.
    pub(super) fn part(&self, range: &Range<u64>) -> Self {
        let length = self.body.len();
        let index = |at: u64| usize::try_from(at).map_or(length, |at| at.min(length));
        Self { body: self.body.slice(index(range.start)..index(range.end)), ..self.clone() }
    }

    /// What a copy takes over: the bytes and the metadata.
    pub(super) fn content(&self) -> (Bytes, ObjectMetadata) {
        (self.body.clone(), (*self.metadata).clone())
    }

    pub(super) fn is_archived(&self) -> bool {
        self.archived
    }

    /// What a listing shows of it.
    pub fn facts(&self) -> ObjectFacts {
        ObjectFacts {
            size: self.body.len() as u64,
            etag: self.etag.clone(),
            last_modified: self.last_modified,
            storage_class: self.storage_class.clone(),
            version_id: None,
        }
    }

    pub(super) fn head(&self) -> ObjectHead {
        ObjectHead { facts: self.facts(), metadata: (*self.metadata).clone(), checksum: self.checksum.clone() }
    }

    /// The body as a stream of chunks, with a fault if it concerns bodies.
    pub(super) fn stream(&self, fault: Option<Fault>, chunk_bytes: usize, error: impl FnOnce(S3ErrorKind) -> S3Error) -> S3ByteStream {
        let mut bytes = self.body.clone();
        let mut broken = None;
        match fault {
            Some(Fault::ShortBody { after }) => bytes.truncate(after),
            Some(Fault::BrokenBody { after, kind }) => {
                bytes.truncate(after);
                broken = Some(Err(error(kind)));
            }
            Some(Fault::WrongByte { at }) => bytes = with_a_flipped_bit(&bytes, at),
            Some(Fault::LongBody) => bytes = [&bytes[..], b"+"].concat().into(),
            _ => {}
        }
        let chunks = std::iter::from_fn(move || (!bytes.is_empty()).then(|| Ok(bytes.split_to(chunk_bytes.min(bytes.len())))));
        stream::iter(chunks.chain(broken)).boxed()
    }
}

impl<T: Into<Bytes>> From<T> for MemoryObject {
    fn from(body: T) -> Self {
        Self::new(body)
    }
}

fn with_a_flipped_bit(bytes: &Bytes, at: usize) -> Bytes {
    let mut wrong = bytes.to_vec();
    let last = wrong.len().saturating_sub(1);
    if let Some(byte) = wrong.get_mut(at.min(last)) {
        *byte ^= 1;
    }
    wrong.into()
}
