//! A bucket in memory that implements the S3 traits, with streaming bodies and injected faults: for fast, deterministic tests of workflows.
//! No clock, no randomness, no HTTP. Errors of real connections are tested with other servers.

mod fault;
mod multipart;
mod object;
mod write;

pub use fault::{Call, CallCounts, Fault};
pub use object::MemoryObject;

use super::{GetObject, GetRequest, ListObjects, ListPage, ListRequest, ObjectHead, ReadObjects, S3ByteStream, S3Error, S3ErrorKind};
use crate::record::{Escaped, ObjectKey, PageCursor, WrittenKeys};
use async_trait::async_trait;
use bytes::Bytes;
use fault::Hook;
use multipart::MemoryUpload;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A bucket in the memory of this process.
///
/// - It behaves as S3: keys in byte order, `412` for another ETag, and a plain `404` for a HEAD in a missing bucket.
/// - `last_modified` counts the writes, so the same calls give the same bucket.
pub struct MemoryBucket {
    name: String,
    chunk_bytes: usize,
    min_part_bytes: u64,
    /// The other buckets of its server, from which it can copy.
    neighbours: Mutex<Vec<Weak<MemoryBucket>>>,
    state: Mutex<State>,
    hook: Mutex<Option<Hook>>,
}

struct State {
    present: bool,
    objects: BTreeMap<ObjectKey, MemoryObject>,
    /// The multipart uploads, by id.
    uploads: BTreeMap<String, MemoryUpload>,
    begun_uploads: u64,
    writes: i64,
    calls: CallCounts,
}

impl MemoryBucket {
    /// An empty bucket.
    pub fn new(name: impl Into<String>) -> Self {
        let (objects, uploads) = (BTreeMap::new(), BTreeMap::new());
        let state = State { present: true, objects, uploads, begun_uploads: 0, writes: 0, calls: CallCounts::default() };
        Self {
            name: name.into(),
            chunk_bytes: 64 * 1024,
            min_part_bytes: multipart::MIN_PART_BYTES,
            neighbours: Mutex::default(),
            state: Mutex::new(state),
            hook: Mutex::new(None),
        }
    }

    /// Sets the least length of all parts but the last. The default is S3's.
    #[must_use]
    pub fn with_min_part_bytes(self, min_part_bytes: u64) -> Self {
        Self { min_part_bytes, ..self }
    }

    /// Adds another bucket of the same server: this bucket can copy from it.
    pub fn add_neighbour(&self, bucket: &Arc<Self>) {
        self.neighbours.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(bucket));
    }

    /// Sets the length of the chunks of bodies, at least 1. The default is 64 KiB.
    #[must_use]
    pub fn with_chunk_bytes(self, chunk_bytes: usize) -> Self {
        Self { chunk_bytes: chunk_bytes.max(1), ..self }
    }

    /// Stores an object, replacing an existing one.
    pub fn put(&self, key: ObjectKey, object: impl Into<MemoryObject>) {
        self.state().put(key, object.into());
    }

    /// Removes an object. Returns false if it did not exist.
    pub fn remove(&self, key: &ObjectKey) -> bool {
        self.state().objects.remove(key).is_some()
    }

    /// The contents of all objects, by key.
    pub fn contents(&self) -> BTreeMap<String, Bytes> {
        self.state().objects.iter().map(|(key, object)| (key.as_str().to_owned(), object.body.clone())).collect()
    }

    /// Deletes the bucket with its objects.
    pub fn vanish(&self) {
        self.state().vanish();
    }

    /// Creates the bucket again, empty.
    pub fn recreate(&self) {
        self.state().present = true;
    }

    /// Sets a hook that is called before each call is served. No lock is held, so the hook may change the bucket. It may return a fault to
    /// inject.
    pub fn on_call(&self, hook: impl FnMut(&Call<'_>) -> Option<Fault> + Send + 'static) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    /// The number of calls, including failed ones.
    pub fn calls(&self) -> CallCounts {
        self.state().calls
    }

    /// Ignores a poisoned lock, so that it does not hide the panic of the test that poisoned it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call, calls the hook, and applies a fault that acts before the response.
    fn begin(&self, call: &Call<'_>) -> Result<(MutexGuard<'_, State>, Option<Fault>), S3Error> {
        self.state().calls.count(call);
        let fault = self.hook.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(|hook| hook(call));
        let mut state = self.state();
        match fault {
            Some(Fault::Error(kind)) => {
                let effect = call.effect_after(&kind);
                Err(self.error(call, kind, "ordered").with_effect(effect))
            }
            Some(Fault::Replaced(object)) => {
                if let Some(key) = call.key() {
                    state.put(key.clone(), object);
                }
                Ok((state, None))
            }
            Some(Fault::Removed) => {
                if let Some(key) = call.key() {
                    state.objects.remove(key);
                }
                Ok((state, None))
            }
            Some(Fault::BucketGone) => {
                state.vanish();
                Ok((state, None))
            }
            other => Ok((state, other)),
        }
    }

    fn error(&self, call: &Call<'_>, kind: S3ErrorKind, words: &str) -> S3Error {
        match call.key() {
            Some(key) => S3Error::new(call.operation(), key, kind, words),
            None => S3Error::new(call.operation(), Escaped(&self.name), kind, words),
        }
    }
}

impl State {
    fn put(&mut self, key: ObjectKey, object: MemoryObject) {
        self.writes += 1;
        self.objects.insert(key, object.written_as(self.writes));
    }

    fn vanish(&mut self) {
        self.present = false;
        self.objects.clear();
        self.uploads.clear();
    }
}

#[async_trait]
impl ListObjects for MemoryBucket {
    async fn list_page(&self, request: ListRequest) -> Result<ListPage, S3Error> {
        let call = Call::List(&request);
        let (state, fault) = self.begin(&call)?;
        if !state.present {
            return Err(self.error(&call, S3ErrorKind::NoSuchBucket, "the bucket does not exist"));
        }
        // A token is the last key of the previous page.
        let after = match &request.from {
            PageCursor::Start => None,
            PageCursor::After(key) => Some(key.clone()),
            PageCursor::Token(token) => ObjectKey::new(token.as_str()).ok(),
        };
        let from = match after {
            Some(after) if after.as_str() >= request.prefix.as_str() => Bound::Excluded(after),
            _ => ObjectKey::new(request.prefix.as_str()).map_or(Bound::Unbounded, Bound::Included),
        };
        let mut matching = state.objects.range((from, Bound::Unbounded)).take_while(|(key, _)| key.as_str().starts_with(&request.prefix));
        let count = usize::from(request.max_keys.clamp(1, 1000));
        let mut objects: Vec<_> = matching.by_ref().take(count).map(|(key, object)| (key.clone(), object.facts())).collect();
        if matches!(fault, Some(Fault::NoETags | Fault::UnencodedKeys)) {
            for (_, facts) in &mut objects {
                facts.etag = None;
            }
        }
        let last = objects.last().map(|(key, _)| PageCursor::Token(key.as_str().to_owned()));
        let next = matching.next().and(last);
        if !matches!(fault, Some(Fault::UnencodedKeys)) {
            return Ok(ListPage { objects, next, ..ListPage::default() });
        }
        let texts = objects.iter().map(|(key, _)| key.as_str().to_owned()).collect();
        let written = WrittenKeys::of_page(true, texts, &request.prefix).expect("invariant: each key has the prefix");
        written.rename(&written.encodings, &mut objects, &mut None);
        Ok(ListPage { objects, next, written: Some(written), ..ListPage::default() })
    }
}

#[async_trait]
impl ReadObjects for MemoryBucket {
    async fn head_bucket(&self) -> Result<(), S3Error> {
        let call = Call::HeadBucket;
        let (state, _) = self.begin(&call)?;
        if state.present { Ok(()) } else { Err(self.error(&call, S3ErrorKind::NoSuchBucket, "404")) }
    }

    async fn head_object(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error> {
        let call = Call::Head(key);
        let (state, _) = self.begin(&call)?;
        // As with a real server, a HEAD does not distinguish a missing bucket from a missing key.
        state.objects.get(key).map(MemoryObject::head).ok_or_else(|| self.error(&call, S3ErrorKind::NoSuchKey, "404"))
    }

    async fn get_object(&self, request: GetRequest) -> Result<GetObject, S3Error> {
        let call = Call::Get(&request);
        let (state, fault) = self.begin(&call)?;
        if !state.present {
            return Err(self.error(&call, S3ErrorKind::NoSuchBucket, "the bucket does not exist"));
        }
        let Some(object) = state.objects.get(&request.key) else {
            return Err(self.error(&call, S3ErrorKind::NoSuchKey, "the key does not exist"));
        };
        let mut head = object.head();
        if request.if_match.is_some() && request.if_match != head.facts.etag {
            return Err(self.error(&call, S3ErrorKind::PreconditionFailed, "it has another ETag"));
        }
        if object.is_archived() {
            return Err(self.error(&call, S3ErrorKind::Archived, "it is archived and not restored"));
        }
        let part = match &request.range {
            None => object.clone(),
            Some(range) if range.start < range.end && range.start < head.facts.size => {
                head.checksum = None;
                object.part(range)
            }
            Some(_) => return Err(self.error(&call, S3ErrorKind::Other, "the range has no byte of the object")),
        };
        let body: S3ByteStream = part.stream(fault, self.chunk_bytes, |kind| self.error(&call, kind, "ordered"));
        Ok(GetObject { head, body })
    }
}

#[cfg(test)]
mod tests;
