//! The buckets and their objects. Knows keys and objects, but no HTTP; its errors are those of S3.

use crate::checksum::Digests;
use crate::object::{Attributes, StoredObject};
use bytes::Bytes;
use jiff::Timestamp;
use s3s::dto::ETagCondition;
use s3s::{S3Result, s3_error};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Default)]
pub(crate) struct Store {
    buckets: RwLock<Buckets>,
}

pub(crate) type Buckets = BTreeMap<String, Bucket>;

pub(crate) struct Bucket {
    pub(crate) created: Timestamp,
    pub(crate) objects: BTreeMap<String, Arc<StoredObject>>,
    pub(crate) uploads: BTreeMap<String, Upload>,
}

/// A multipart upload that is neither completed nor aborted.
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) attributes: Attributes,
    pub(crate) parts: BTreeMap<i32, Part>,
    pub(crate) initiated: Timestamp,
}

#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) body: Bytes,
    pub(crate) digests: Digests,
    pub(crate) etag: String,
}

/// The preconditions of a write.
#[derive(Clone, Default)]
pub(crate) struct WriteCondition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl WriteCondition {
    fn check(&self, current: Option<&StoredObject>) -> S3Result<()> {
        match (&self.if_match, current) {
            (Some(_), None) => return Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Some(condition), Some(object)) if !holds(condition, object) => return Err(precondition_failed()),
            _ => {}
        }
        match (&self.if_none_match, current) {
            (Some(condition), Some(object)) if holds(condition, object) => Err(precondition_failed()),
            _ => Ok(()),
        }
    }
}

pub(crate) fn holds(condition: &ETagCondition, object: &StoredObject) -> bool {
    condition.as_etag().is_none_or(|etag| etag.value() == object.etag)
}

pub(crate) fn precondition_failed() -> s3s::S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

impl Bucket {
    fn new() -> Self {
        Self { created: Timestamp::now(), objects: BTreeMap::new(), uploads: BTreeMap::new() }
    }

    pub(crate) fn object(&self, key: &str) -> S3Result<Arc<StoredObject>> {
        self.objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    pub(crate) fn insert(&mut self, key: &str, object: StoredObject, condition: &WriteCondition) -> S3Result<()> {
        condition.check(self.objects.get(key).map(Arc::as_ref))?;
        self.objects.insert(key.into(), Arc::new(object));
        Ok(())
    }

    pub(crate) fn upload(&mut self, id: &str, key: &str) -> S3Result<&mut Upload> {
        let upload = self.uploads.get_mut(id).filter(|upload| upload.key == key);
        upload.ok_or_else(|| s3_error!(NoSuchUpload, "The specified upload does not exist."))
    }
}

impl Store {
    pub(crate) fn read<T>(&self, with: impl FnOnce(&Buckets) -> T) -> T {
        with(&self.buckets.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Buckets) -> T) -> T {
        change(&mut self.buckets.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn read_bucket<T>(&self, name: &str, with: impl FnOnce(&Bucket) -> S3Result<T>) -> S3Result<T> {
        self.read(|buckets| with(buckets.get(name).ok_or_else(no_such_bucket)?))
    }

    pub(crate) fn write_bucket<T>(&self, name: &str, change: impl FnOnce(&mut Bucket) -> S3Result<T>) -> S3Result<T> {
        self.write(|buckets| change(buckets.get_mut(name).ok_or_else(no_such_bucket)?))
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> S3Result<Arc<StoredObject>> {
        self.read_bucket(bucket, |bucket| bucket.object(key))
    }

    /// Creates a bucket; `false` if it exists.
    pub(crate) fn create_bucket(&self, name: &str) -> bool {
        self.write(|buckets| {
            let is_new = !buckets.contains_key(name);
            buckets.entry(name.into()).or_insert_with(Bucket::new);
            is_new
        })
    }

    /// A write by the test itself: creates a missing bucket.
    pub(crate) fn put(&self, bucket: &str, key: &str, object: StoredObject) {
        self.write(|buckets| {
            let bucket = buckets.entry(bucket.into()).or_insert_with(Bucket::new);
            bucket.objects.insert(key.into(), Arc::new(object));
        });
    }

    /// Removes an object; `false` if it did not exist.
    pub(crate) fn remove(&self, bucket: &str, key: &str) -> bool {
        self.write(|buckets| buckets.get_mut(bucket).is_some_and(|bucket| bucket.objects.remove(key).is_some()))
    }

    /// Deletes a bucket with its objects, which S3 would refuse; `false` if it did not exist.
    pub(crate) fn delete_bucket(&self, name: &str) -> bool {
        self.write(|buckets| buckets.remove(name).is_some())
    }
}

pub(crate) fn no_such_bucket() -> s3s::S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}
