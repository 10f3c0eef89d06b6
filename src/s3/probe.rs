//! Finds out what the server of a bucket supports when it is written. Many servers refuse conditions, or ignore them without a word.

use super::{
    CopiedMetadata, CopyRequest, CopySource, DeleteRequest, ListRequest, ObjectMetadata, PutRequest, ReadBucket, S3Error, S3ErrorKind,
    SentBody, WriteCondition, WriteObjects, Written,
};
use crate::record::{ETag, ObjectFacts, ObjectKey, PageCursor};
use crate::retry::{Disposed as _, Disposition};
use bytes::Bytes;
use std::time::Duration;
use uuid::Uuid;

/// The beginning of the keys of probes, after the prefix of the target. A random part follows.
pub const PROBE_PREFIX: &str = ".s3-sync/probe-";

/// An ETag that no object has: an MD5 that is unlikely enough.
const FOREIGN_ETAG: &str = "00000000000000000000000000000000";

/// The age from which a probe's object is a leftover. A younger one may belong to a probe of another process.
const LEFTOVER_AGE: Duration = Duration::from_hours(1);

/// What the server of a bucket supports: each as it is used, and each as proven by one call that must fail and one that must succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct WriteSupport {
    /// It honours [`WriteCondition::IfAbsent`] of a put.
    pub put_if_absent: bool,
    /// It honours [`WriteCondition::IfMatch`] of a put.
    pub put_if_match: bool,
    /// It honours the condition of a delete.
    pub delete_if_match: bool,
    /// It copies from the sample's bucket, and only the content with the expected ETag.
    pub copy: bool,
    /// It honours both conditions of a copy on its target.
    pub copy_conditions: bool,
}

/// Probes the bucket with one object below `prefix`, which is deleted at the end. In a versioned bucket its versions stay.
///
/// `sample` is a small object, with its ETag, in the bucket to copy from; `None` = nothing is to be copied.
///
/// An error means that nothing is known: the bucket cannot be written at all, or a call failed for another reason than missing support.
pub async fn probe_writes<B>(bucket: &B, prefix: &str, sample: Option<&CopySource>) -> Result<WriteSupport, S3Error>
where
    B: ReadBucket + WriteObjects + ?Sized,
{
    let probe = Probe { bucket, key: new_key(prefix) };
    let (outcome, written) = match probe.ask(sample).await {
        Ok((support, facts)) => (Ok(support), Some(facts)),
        Err(error) => (Err(error), None),
    };
    // After a call with an unknown effect the object may be there, too.
    let deleted = probe.delete(None).await;
    if let Some(written) = written {
        probe.remove_leftovers(prefix, &written).await;
    }
    let support = outcome?;
    deleted.map(|()| support)
}

/// A probe with its object.
struct Probe<'a, B: ?Sized> {
    bucket: &'a B,
    key: ObjectKey,
}

impl<B: ReadBucket + WriteObjects + ?Sized> Probe<'_, B> {
    async fn ask(&self, sample: Option<&CopySource>) -> Result<(WriteSupport, ObjectFacts), S3Error> {
        let mut support = WriteSupport::default();
        if is_done(self.put(Some(WriteCondition::IfAbsent)).await)? {
            support.put_if_absent = is_refused(self.put(Some(WriteCondition::IfAbsent)).await)?;
        } else {
            self.put(None).await?;
        }
        let facts = self.bucket.head_object(&self.key).await?.facts;
        support.put_if_match = is_refused(self.put(Some(foreign())).await)? && is_done(self.put(self.own().await?).await)?;
        if let Some(sample) = sample {
            let other = CopySource { if_match: ETag::of_bare(FOREIGN_ETAG), ..sample.clone() };
            let is_checked = sample.if_match.is_some() && is_refused(self.copy(&other, None).await)?;
            support.copy = is_checked && is_done(self.copy(sample, None).await)?;
            support.copy_conditions = support.copy
                && is_refused(self.copy(sample, Some(WriteCondition::IfAbsent)).await)?
                && is_refused(self.copy(sample, Some(foreign())).await)?
                && is_done(self.copy(sample, self.own().await?).await)?;
        }
        support.delete_if_match = is_refused(self.delete(ETag::of_bare(FOREIGN_ETAG)).await)?;
        Ok((support, facts))
    }

    /// The condition that the object at the key is the present one.
    async fn own(&self) -> Result<Option<WriteCondition>, S3Error> {
        Ok(self.bucket.head_object(&self.key).await?.facts.etag.map(WriteCondition::IfMatch))
    }

    async fn put(&self, condition: Option<WriteCondition>) -> Result<Written, S3Error> {
        let put = PutRequest {
            key: self.key.clone(),
            body: SentBody::Bytes(Bytes::from_static(b"s3-sync probes what this store supports")),
            metadata: ObjectMetadata::of_type("text/plain"),
            storage_class: None,
            condition,
            checksum: None,
        };
        self.bucket.put_object(put).await
    }

    async fn copy(&self, source: &CopySource, condition: Option<WriteCondition>) -> Result<Written, S3Error> {
        let metadata = CopiedMetadata::Replaced(ObjectMetadata::of_type("text/plain"));
        let copy = CopyRequest { source: source.clone(), key: self.key.clone(), metadata, storage_class: None, condition };
        self.bucket.copy_object(copy).await
    }

    async fn delete(&self, if_match: Option<ETag>) -> Result<(), S3Error> {
        self.bucket.delete_object(DeleteRequest { key: self.key.clone(), if_match }).await
    }

    /// Deletes the objects of probes that did not end. Ages are by the server's clock.
    async fn remove_leftovers(&self, prefix: &str, own: &ObjectFacts) {
        let request = ListRequest { prefix: format!("{prefix}{PROBE_PREFIX}"), from: PageCursor::Start, max_keys: 1000 };
        let Ok(page) = self.bucket.list_page(request).await else { return };
        let is_old = |facts: &ObjectFacts| {
            let age = own.last_modified.zip(facts.last_modified).map(|(now, then)| now.duration_since(then));
            age.is_some_and(|age| Duration::try_from(age).is_ok_and(|age| age > LEFTOVER_AGE))
        };
        for (key, _) in page.objects.into_iter().filter(|(key, facts)| *key != self.key && is_old(facts)) {
            if let Err(error) = self.bucket.delete_object(DeleteRequest { key, if_match: None }).await {
                tracing::debug!(%error, "the object of an earlier probe stays");
            }
        }
    }
}

fn new_key(prefix: &str) -> ObjectKey {
    ObjectKey::new(format!("{prefix}{PROBE_PREFIX}{}", Uuid::new_v4())).expect("invariant: it is not empty")
}

fn foreign() -> WriteCondition {
    WriteCondition::IfMatch(ETag::of_bare(FOREIGN_ETAG).expect("invariant: it is not empty"))
}

/// True if the call was refused because its condition does not hold. False if it was done, or refused for another reason.
fn is_refused<T>(outcome: Result<T, S3Error>) -> Result<bool, S3Error> {
    match outcome {
        Err(error) if matches!(error.kind, S3ErrorKind::ConditionFailed | S3ErrorKind::PreconditionFailed) => Ok(true),
        outcome => is_done(outcome).map(|_| false),
    }
}

/// False if the server does not support the call, or does not allow it. A failure that may pass says nothing.
fn is_done<T>(outcome: Result<T, S3Error>) -> Result<bool, S3Error> {
    match outcome {
        Ok(_) => Ok(true),
        // The bucket to copy from is none of this server.
        Err(error) if error.operation == "CopyObject" && error.kind == S3ErrorKind::NoSuchBucket => Ok(false),
        Err(error) if error.disposition() == Disposition::Fail => Ok(false),
        Err(error) => Err(error),
    }
}
