//! The calls of a bucket in memory that write whole objects, and what all writes share: bodies, conditions, copies.

use super::super::{
    CopiedMetadata, CopyRequest, CopySource, DeleteRequest, ObjectMetadata, PutRequest, S3Error, S3ErrorKind, SentBody, WriteCondition,
    WriteObjects, Written,
};
use super::{Call, Fault, MemoryBucket, MemoryObject, State};
use crate::endpoint::EffectCertainty;
use crate::record::{Checksum, Escaped, ObjectKey};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use std::sync::{Arc, PoisonError, Weak};

/// A write that was admitted: its operation and key for errors, and the fault of its response.
pub(super) struct Admitted {
    operation: &'static str,
    subject: String,
    fault: Option<Fault>,
}

impl Admitted {
    pub(super) fn error(&self, kind: S3ErrorKind, words: &str) -> S3Error {
        S3Error::new(self.operation, &self.subject, kind, words)
    }

    /// Fails if the condition does not hold for the object at the key.
    pub(super) fn check(&self, state: &State, key: &ObjectKey, condition: Option<&WriteCondition>) -> Result<(), S3Error> {
        if matches!(self.fault, Some(Fault::ConditionIgnored)) {
            return Ok(());
        }
        match (condition, state.objects.get(key).map(MemoryObject::facts)) {
            (None, _) | (Some(WriteCondition::IfAbsent), None) => Ok(()),
            (Some(WriteCondition::IfMatch(_)), None) => Err(self.error(S3ErrorKind::NoSuchKey, "the key does not exist")),
            (Some(WriteCondition::IfMatch(etag)), Some(facts)) if facts.etag.as_ref() == Some(etag) => Ok(()),
            (Some(_), Some(_)) => Err(self.error(S3ErrorKind::ConditionFailed, "the key has another object")),
        }
    }

    /// The response to a write that had its effect, unless it is lost.
    pub(super) fn response<T>(self, response: T) -> Result<T, S3Error> {
        match &self.fault {
            Some(Fault::ResponseLost(kind)) => Err(self.error(kind.clone(), "ordered").with_effect(EffectCertainty::Unknown)),
            _ => Ok(response),
        }
    }

    /// The whole body.
    pub(super) async fn read(&self, body: SentBody) -> Result<Bytes, S3Error> {
        let (mut body, length) = match body {
            SentBody::Bytes(bytes) => return Ok(bytes),
            SentBody::Stream { body, length } => (body, length),
        };
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| self.error(S3ErrorKind::BodyFailed, &error.to_string()))?);
        }
        if bytes.len() as u64 != length {
            let words = format!("the body has {} bytes, {length} were announced", bytes.len());
            return Err(self.error(S3ErrorKind::BodyFailed, &words));
        }
        Ok(bytes.freeze())
    }
}

impl MemoryBucket {
    /// Counts a write, and fails it if a fault says so or the bucket is missing.
    pub(super) fn admit(&self, call: &Call<'_>) -> Result<Admitted, S3Error> {
        let (state, fault) = self.begin(call)?;
        if !state.present {
            return Err(self.error(call, S3ErrorKind::NoSuchBucket, "the bucket does not exist"));
        }
        let subject = call.key().map_or_else(|| Escaped(&self.name).to_string(), ToString::to_string);
        Ok(Admitted { operation: call.operation(), subject, fault })
    }

    /// The object to copy, from this bucket or from a neighbour.
    pub(super) fn source(&self, admitted: &Admitted, source: &CopySource) -> Result<MemoryObject, S3Error> {
        let of = |bucket: &Self| {
            let state = bucket.state();
            state.present.then(|| state.objects.get(&source.key).cloned())
        };
        let neighbours = self.neighbours.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let found = if source.bucket == self.name {
            of(self)
        } else {
            let neighbour = neighbours.iter().filter_map(Weak::upgrade).find(|bucket: &Arc<Self>| bucket.name == source.bucket);
            neighbour.and_then(|bucket| of(&bucket))
        };
        let object = found.ok_or_else(|| admitted.error(S3ErrorKind::NoSuchBucket, "the source's bucket does not exist"))?;
        let object = object.filter(|object| source.if_match.is_none() || object.facts().etag == source.if_match);
        let object =
            object.ok_or_else(|| admitted.error(S3ErrorKind::PreconditionFailed, "the source is not there or has another ETag"))?;
        if object.is_archived() {
            return Err(admitted.error(S3ErrorKind::Archived, "the source is archived and not restored"));
        }
        Ok(object)
    }
}

impl State {
    /// Stores a new object.
    pub(super) fn store(&mut self, key: ObjectKey, object: MemoryObject, metadata: ObjectMetadata, storage_class: Option<&str>) -> Written {
        let object = object.metadata(metadata);
        let object = match storage_class {
            Some(class) => object.storage_class(class),
            None => object,
        };
        let etag = object.facts().etag;
        self.put(key, object);
        Written { etag, version_id: None }
    }
}

#[async_trait]
impl WriteObjects for MemoryBucket {
    async fn put_object(&self, put: PutRequest) -> Result<Written, S3Error> {
        let admitted = self.admit(&Call::Put { key: &put.key, condition: put.condition.as_ref() })?;
        let PutRequest { key, body, metadata, storage_class, condition, checksum } = put;
        let body = admitted.read(body).await?;
        if checksum.is_some_and(|checksum| Checksum::of(checksum.algorithm, &body) != checksum) {
            return Err(admitted.error(S3ErrorKind::ChecksumMismatch, "the bytes have another checksum"));
        }
        let mut state = self.state();
        admitted.check(&state, &key, condition.as_ref())?;
        let written = state.store(key, MemoryObject::new(body), metadata, storage_class.as_deref());
        admitted.response(written)
    }

    async fn copy_object(&self, copy: CopyRequest) -> Result<Written, S3Error> {
        let admitted = self.admit(&Call::Copy(&copy))?;
        let (body, of_source) = self.source(&admitted, &copy.source)?.content();
        let metadata = match copy.metadata {
            CopiedMetadata::OfSource => of_source,
            CopiedMetadata::Replaced(metadata) => metadata,
        };
        let mut state = self.state();
        admitted.check(&state, &copy.key, copy.condition.as_ref())?;
        let written = state.store(copy.key, MemoryObject::new(body), metadata, copy.storage_class.as_deref());
        admitted.response(written)
    }

    async fn delete_object(&self, delete: DeleteRequest) -> Result<(), S3Error> {
        let admitted = self.admit(&Call::Delete(&delete))?;
        let mut state = self.state();
        let condition = delete.if_match.map(WriteCondition::IfMatch).filter(|_| state.objects.contains_key(&delete.key));
        admitted.check(&state, &delete.key, condition.as_ref())?;
        state.objects.remove(&delete.key);
        admitted.response(())
    }
}
