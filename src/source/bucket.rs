//! A bucket as a source. Adapts the S3 traits, and adds the prefix and the checks that every response must pass.

use super::{Opened, Source, SourcePage};
use crate::endpoint::{EndpointError, EndpointId};
use crate::mutant;
use crate::record::{Fingerprint, ObjectFacts, ObjectKey, PageCursor};
use crate::s3::{GetObject, GetRequest, ListPage, ListRequest, ReadBucket, S3Error, S3ErrorKind};
use async_trait::async_trait;
use futures::StreamExt as _;
use std::ops::Range;
use std::sync::Arc;

/// A bucket with a prefix. A listing contains only keys with this prefix; `stat` and `open` accept any key.
pub struct BucketSource {
    bucket: Arc<dyn ReadBucket>,
    id: EndpointId,
    prefix: String,
}

impl BucketSource {
    /// The source of this bucket. An empty prefix matches every key.
    pub fn new(bucket: Arc<dyn ReadBucket>, name: &str, prefix: &str) -> Self {
        Self { bucket, id: EndpointId::new(&format!("s3:{name}")), prefix: prefix.to_owned() }
    }

    fn failed(&self, error: S3Error) -> EndpointError {
        EndpointError::from(error).at(&self.id)
    }

    fn of_object(&self, key: &ObjectKey, kind: S3ErrorKind, words: &str) -> EndpointError {
        self.failed(S3Error::new("GetObject", key, kind, words))
    }

    /// Compares the opened content with the expected one, because not every S3 server honours If-Match.
    fn compare(&self, key: &ObjectKey, got: &ObjectFacts, expected: Option<&Fingerprint>) -> Result<(), EndpointError> {
        let Some(got) = got.fingerprint() else {
            let words = "the answer has no ETag: without one, no later change of the object could be seen";
            return Err(self.of_object(key, S3ErrorKind::Other, words));
        };
        match expected {
            Some(expected) if expected.etag != got.etag && !mutant::is("the_etag_of_a_get_is_not_compared") => {
                let words = format!("asked for ETag {}, answered with {}", expected.etag, got.etag);
                Err(self.of_object(key, S3ErrorKind::PreconditionFailed, &words))
            }
            Some(expected) if expected.size != got.size => {
                let words = format!("the answer promises {} bytes, the object of this ETag has {}", got.size, expected.size);
                Err(self.of_object(key, S3ErrorKind::ChecksumMismatch, &words))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Source for BucketSource {
    fn id(&self) -> &EndpointId {
        &self.id
    }

    fn lists_in_key_order(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<(), EndpointError> {
        self.bucket.head_bucket().await.map_err(|error| self.failed(error))
    }

    async fn page(&self, from: &PageCursor, most: u16) -> Result<SourcePage, EndpointError> {
        let request = ListRequest { prefix: self.prefix.clone(), from: from.clone(), max_keys: most };
        let ListPage { objects, next, written, left_out } = self.bucket.list_page(request).await.map_err(|error| self.failed(error))?;
        Ok(SourcePage { objects, next, written, left_out })
    }

    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, EndpointError> {
        match self.bucket.head_object(key).await {
            Ok(head) => Ok(Some(head.facts)),
            Err(error) if error.kind == S3ErrorKind::NoSuchKey => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn open(&self, key: &ObjectKey, expected: Option<&Fingerprint>, range: Option<Range<u64>>) -> Result<Opened, EndpointError> {
        let (if_match, size) = expected.map(|expected| (expected.etag.clone(), expected.size)).unzip();
        let request = GetRequest { key: key.clone(), if_match, size, range };
        let GetObject { head, body } = self.bucket.get_object(request).await.map_err(|error| self.failed(error))?;
        self.compare(key, &head.facts, expected)?;
        let id = self.id.clone();
        let body = body.map(move |item| item.map_err(|error| EndpointError::from(error).at(&id))).boxed();
        Ok(Opened { facts: head.facts, content_type: head.metadata.content_type, checksum: head.checksum, body })
    }
}
