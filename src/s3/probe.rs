//! Finds out what the server of a bucket supports when it is written. Many servers refuse conditions, or ignore them without a word.

use super::{
    CompleteRequest, CopiedMetadata, CopyRequest, CopySource, CreateUploadRequest, DeleteRequest, ListRequest, ListUploadsRequest,
    ObjectMetadata, OpenUpload, PartRequest, PutRequest, ReadBucket, S3Error, S3ErrorKind, SentBody, StoredPart, WriteBucket,
    WriteCondition, Written,
};
use crate::record::{ETag, ObjectFacts, ObjectKey, PageCursor};
use crate::retry::{Disposed as _, Disposition};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The beginning of the keys of probes, after the prefix of the target. A random part follows.
pub const PROBE_PREFIX: &str = ".s3-sync/probe-";

/// The content of a probe's object.
const CONTENT: Bytes = Bytes::from_static(b"s3-sync probes what this store supports");

/// An ETag that no object has: an MD5 that is unlikely enough.
const FOREIGN_ETAG: &str = "00000000000000000000000000000000";

/// The age from which a probe's object is a leftover. A younger one may belong to a probe of another process.
const LEFTOVER_AGE: SignedDuration = SignedDuration::from_hours(1);

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
    /// It stores objects in parts.
    pub multipart: bool,
    /// It honours both conditions of the completion of an upload in parts.
    pub complete_conditions: bool,
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
    B: ReadBucket + WriteBucket + ?Sized,
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

impl<B: ReadBucket + WriteBucket + ?Sized> Probe<'_, B> {
    async fn ask(&self, sample: Option<&CopySource>) -> Result<(WriteSupport, ObjectFacts), S3Error> {
        let mut support = WriteSupport::default();
        if reaction(self.put(Some(WriteCondition::IfAbsent)).await)? == Reaction::Done {
            support.put_if_absent = reaction(self.put(Some(WriteCondition::IfAbsent)).await)? == Reaction::Refused;
        } else {
            self.put(None).await?;
        }
        let facts = self.bucket.head_object(&self.key).await?.facts;
        support.put_if_match = reaction(self.put(Some(foreign())).await)? == Reaction::Refused
            && reaction(self.put(self.own().await?).await)? == Reaction::Done;
        (support.multipart, support.complete_conditions) = self.ask_about_parts().await?;
        if let Some(sample) = sample {
            (support.copy, support.copy_conditions) = self.ask_about_copies(sample).await?;
        }
        support.delete_if_match = reaction(self.delete(ETag::of_bare(FOREIGN_ETAG)).await)? == Reaction::Refused;
        Ok((support, facts))
    }

    /// Whether uploads in parts are supported, and their conditions.
    async fn ask_about_parts(&self) -> Result<(bool, bool), S3Error> {
        let create = CreateUploadRequest { key: self.key.clone(), metadata: ObjectMetadata::default(), storage_class: None };
        let created = self.bucket.create_upload(create).await;
        let Ok(upload) = created else { return reaction(created).map(|_| (false, false)) };
        let outcome = self.complete_in_parts(&upload).await;
        // It was completed already, unless the server refused something.
        if let Err(error) = self.bucket.abort_upload(&upload).await {
            tracing::debug!(%error, "the upload of the probe was not aborted");
        }
        outcome
    }

    async fn complete_in_parts(&self, upload: &OpenUpload) -> Result<(bool, bool), S3Error> {
        let part = self.bucket.upload_part(PartRequest { upload: upload.clone(), number: 1, body: SentBody::Bytes(CONTENT) }).await;
        let Ok(etag) = part else { return reaction(part).map(|_| (false, false)) };
        let complete = |condition| {
            let parts = vec![StoredPart { number: 1, etag: etag.clone(), size: CONTENT.len() as u64 }];
            self.bucket.complete_upload(CompleteRequest { upload: upload.clone(), parts, condition })
        };
        for condition in [WriteCondition::IfAbsent, foreign()] {
            match reaction(complete(Some(condition)).await)? {
                Reaction::Refused => {}
                Reaction::Done => return Ok((true, false)),
                Reaction::Unsupported => return Ok((reaction(complete(None).await)? == Reaction::Done, false)),
            }
        }
        let is_done = reaction(complete(self.own().await?).await)? == Reaction::Done;
        Ok((is_done, is_done))
    }

    /// Whether copies of the sample are supported, and their conditions on the target.
    async fn ask_about_copies(&self, sample: &CopySource) -> Result<(bool, bool), S3Error> {
        let other = CopySource { if_match: ETag::of_bare(FOREIGN_ETAG), ..sample.clone() };
        let copies = sample.if_match.is_some()
            && reaction(self.copy(&other, None).await)? == Reaction::Refused
            && reaction(self.copy(sample, None).await)? == Reaction::Done;
        let conditions = copies
            && reaction(self.copy(sample, Some(WriteCondition::IfAbsent)).await)? == Reaction::Refused
            && reaction(self.copy(sample, Some(foreign())).await)? == Reaction::Refused
            && reaction(self.copy(sample, self.own().await?).await)? == Reaction::Done;
        Ok((copies, conditions))
    }

    /// The condition that the object at the key is the present one.
    async fn own(&self) -> Result<Option<WriteCondition>, S3Error> {
        Ok(self.bucket.head_object(&self.key).await?.facts.etag.map(WriteCondition::IfMatch))
    }

    async fn put(&self, condition: Option<WriteCondition>) -> Result<Written, S3Error> {
        let put = PutRequest {
            key: self.key.clone(),
            body: SentBody::Bytes(CONTENT),
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

    /// Removes what probes left that did not end. Ages are by the server's clock.
    async fn remove_leftovers(&self, prefix: &str, own: &ObjectFacts) {
        let prefix = format!("{prefix}{PROBE_PREFIX}");
        let is_old = |then: Option<Timestamp>| {
            let age = own.last_modified.zip(then).map(|(now, then)| now.duration_since(then));
            age.is_some_and(|age| age > LEFTOVER_AGE)
        };
        let request = ListRequest { prefix: prefix.clone(), from: PageCursor::Start, max_keys: 1000 };
        let objects = self.bucket.list_page(request).await.map(|page| page.objects).unwrap_or_default();
        for (key, _) in objects.into_iter().filter(|(key, facts)| *key != self.key && is_old(facts.last_modified)) {
            if let Err(error) = self.bucket.delete_object(DeleteRequest { key, if_match: None }).await {
                tracing::debug!(%error, "the object of an earlier probe stays");
            }
        }
        let uploads = self.bucket.list_uploads(ListUploadsRequest { prefix, from: None, max_uploads: 1000 }).await;
        for listed in uploads.map(|page| page.uploads).unwrap_or_default().into_iter().filter(|listed| is_old(listed.initiated)) {
            if let Err(error) = self.bucket.abort_upload(&listed.upload).await {
                tracing::debug!(%error, "the upload of an earlier probe stays");
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

/// How the server reacted to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    Done,
    /// The condition does not hold.
    Refused,
    /// The server does not support the call, or does not allow it.
    Unsupported,
}

/// The reaction of the server. A failure that may pass is none.
fn reaction<T>(outcome: Result<T, S3Error>) -> Result<Reaction, S3Error> {
    match outcome {
        Ok(_) => Ok(Reaction::Done),
        Err(error) if matches!(error.kind, S3ErrorKind::ConditionFailed | S3ErrorKind::PreconditionFailed) => Ok(Reaction::Refused),
        // The bucket to copy from is none of this server.
        Err(error) if error.operation == "CopyObject" && error.kind == S3ErrorKind::NoSuchBucket => Ok(Reaction::Unsupported),
        Err(error) if error.disposition() == Disposition::Fail => Ok(Reaction::Unsupported),
        Err(error) => Err(error),
    }
}
