//! The server as a test uses it: its buckets, its request log, ordered faults.

use crate::archive::Restore;
use crate::checksum::ChecksumAlgorithm;
use crate::fault::{Fault, Faults, Matcher, OrderedFault};
use crate::keys::{AccessKey, Keys};
use crate::object::{NewObject, ObjectFacts, StoredObject};
use crate::requests::{Counters, Journal, Request};
use crate::server::{self, Running};
use crate::store::Store;
use bytes::{Bytes, BytesMut};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The server's settings.
#[derive(Clone)]
pub struct Options {
    /// The only valid access key id, until `replace_key`.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// The region in the response of `HeadBucket`.
    pub region: String,
    /// The checksum computed at a write and sent on request; `None` = only the MD5 `ETag`.
    pub checksum: Option<ChecksumAlgorithm>,
    /// Keep `requests()`.
    pub keep_log: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access_key: "mock-access-key".into(),
            secret_key: "mock-secret-key".into(),
            region: "us-east-1".into(),
            checksum: Some(ChecksumAlgorithm::Crc64Nvme),
            keep_log: true,
        }
    }
}

/// An S3 server in memory. Clones share it.
#[derive(Clone)]
pub struct MockS3 {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) keys: Keys,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) journal: Arc<Journal>,
}

impl MockS3 {
    /// A server without buckets that does not listen yet.
    pub fn new(options: Options) -> Self {
        let journal = Arc::new(Journal::new(options.keep_log));
        let keys = Keys::new(AccessKey::new(&options.access_key, &options.secret_key));
        Self { shared: Arc::new(Shared { options, keys, store: Store::default(), faults: Faults::default(), journal }) }
    }

    /// Listens: on `127.0.0.1:0` for a free port.
    pub async fn start(&self, address: &str) -> io::Result<Running> {
        server::start(self.clone(), address).await
    }

    /// Its settings.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Makes this key the only valid one. Requests with an earlier key and a right signature get this error response.
    pub fn replace_key(&self, key: AccessKey, status: u16, code: &str) {
        self.shared.keys.replace(key, status, code);
    }

    /// The number of requests that were rejected because of an earlier key. They are not in the log.
    pub fn rejected_requests(&self) -> u64 {
        self.shared.keys.rejected()
    }

    /// Creates a bucket, unless it exists.
    pub fn create_bucket(&self, bucket: &str) {
        self.shared.store.create_bucket(bucket);
    }

    /// Deletes a bucket with its objects; `false` if it did not exist.
    pub fn delete_bucket(&self, bucket: &str) -> bool {
        self.shared.store.delete_bucket(bucket)
    }

    /// Stores an object; a missing bucket is created. Returns the `ETag`, without quotes.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>, content_type: Option<&str>) -> String {
        let new = NewObject::bytes(body);
        let new = match content_type {
            Some(content_type) => new.content_type(content_type),
            None => new,
        };
        self.put_object(bucket, key, new)
    }

    /// The same for an object that uses no memory. It is hashed here, once: about 1.5 s per GiB.
    pub fn put_generated(&self, bucket: &str, key: &str, size: u64, seed: u64) -> String {
        self.put_object(bucket, key, NewObject::generated(size, seed))
    }

    /// The same with all attributes.
    pub fn put_object(&self, bucket: &str, key: &str, new: NewObject) -> String {
        let object = StoredObject::hashed(new, self.shared.options.checksum);
        let etag = object.etag.clone();
        self.shared.store.put(bucket, key, object);
        etag
    }

    /// Stores every file below a directory; the key is its relative path with `/`. Returns their number.
    pub fn put_directory(&self, bucket: &str, directory: &Path) -> io::Result<usize> {
        self.create_bucket(bucket);
        crate::seed::put_directory(self, bucket, directory)
    }

    /// Removes an object; `false` if it did not exist.
    pub fn remove(&self, bucket: &str, key: &str) -> bool {
        self.shared.store.remove(bucket, key)
    }

    /// Sets the restore of an archived object; `false` if the object does not exist.
    pub fn set_restore(&self, bucket: &str, key: &str, restore: Option<Restore>) -> bool {
        self.shared.store.write(|buckets| {
            let object = buckets.get_mut(bucket).and_then(|bucket| bucket.objects.get_mut(key));
            object.map(|object| Arc::make_mut(object).restore = restore).is_some()
        })
    }

    /// The buckets' names, in byte order.
    pub fn buckets(&self) -> Vec<String> {
        self.shared.store.read(|buckets| buckets.keys().cloned().collect())
    }

    /// The objects of a bucket, in byte order of the keys; empty if the bucket does not exist.
    pub fn objects(&self, bucket: &str) -> Vec<ObjectFacts> {
        self.shared.store.read(|buckets| {
            let objects = buckets.get(bucket).into_iter().flat_map(|bucket| &bucket.objects);
            objects.map(|(key, object)| object.facts(key)).collect()
        })
    }

    /// An object's bytes.
    pub fn body(&self, bucket: &str, key: &str) -> Option<Bytes> {
        let object = self.shared.store.object(bucket, key).ok()?;
        let mut body = BytesMut::new();
        object.content.all_chunks().for_each(|chunk| body.extend_from_slice(&chunk));
        Some(body.freeze())
    }

    /// Orders a fault. If several match a request, the oldest applies.
    pub fn order(&self, matcher: Matcher, fault: Fault) -> OrderedFault {
        self.shared.faults.order(matcher, fault)
    }

    /// Withdraws all faults.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// The requests so far, in the order received.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.journal.log()
    }

    /// Clears the request log; the counters stay.
    pub fn clear_requests(&self) {
        self.shared.journal.clear_log();
    }

    /// Totals.
    pub fn counters(&self) -> Counters {
        self.shared.journal.counters()
    }

    /// Waits until this many requests of an operation have arrived.
    pub async fn seen(&self, operation: &str, count: u64) {
        self.shared.journal.operation_seen(operation, count).await;
    }
}
