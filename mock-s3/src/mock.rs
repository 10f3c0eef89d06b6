//! The server as a test holds it: what lies in its buckets, what it was asked, what is to go wrong.

use crate::archive::Restore;
use crate::checksum::ChecksumAlgorithm;
use crate::fault::{Fault, Faults, Matcher, OrderedFault};
use crate::object::{NewObject, ObjectFacts, StoredObject};
use crate::requests::{Counters, Journal, Request};
use crate::server::{self, Running};
use crate::store::Store;
use bytes::{Bytes, BytesMut};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How a server is to be.
#[derive(Clone)]
pub struct Options {
    /// The only access key id that it knows.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// What `HeadBucket` tells.
    pub region: String,
    /// What is computed at a write and told to those who ask; `None` = only the MD5 `ETag` vouches.
    pub checksum: Option<ChecksumAlgorithm>,
    /// Whether `requests()` is kept.
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

/// An S3 server in memory. Cloned, it is the same server.
#[derive(Clone)]
pub struct MockS3 {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) journal: Arc<Journal>,
}

impl MockS3 {
    /// One without buckets that nobody can reach yet.
    pub fn new(options: Options) -> Self {
        let journal = Arc::new(Journal::new(options.keep_log));
        Self { shared: Arc::new(Shared { options, store: Store::default(), faults: Faults::default(), journal }) }
    }

    /// Listens: on `127.0.0.1:0` for a free port.
    pub async fn start(&self, address: &str) -> io::Result<Running> {
        server::start(self.clone(), address).await
    }

    /// With these it was made.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Does nothing when it is there already.
    pub fn create_bucket(&self, bucket: &str) {
        self.shared.store.create_bucket(bucket);
    }

    /// With everything in it. Whether it was there.
    pub fn delete_bucket(&self, bucket: &str) -> bool {
        self.shared.store.delete_bucket(bucket)
    }

    /// Stores an object, in a bucket that is created when it is missing. Returns the `ETag`, without quotes.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>, content_type: Option<&str>) -> String {
        let new = NewObject::bytes(body);
        let new = match content_type {
            Some(content_type) => new.content_type(content_type),
            None => new,
        };
        self.put_object(bucket, key, new)
    }

    /// The same for an object that costs no memory. It is hashed here, once: about 1.5 s per GiB.
    pub fn put_generated(&self, bucket: &str, key: &str, size: u64, seed: u64) -> String {
        self.put_object(bucket, key, NewObject::generated(size, seed))
    }

    /// The same with everything that S3 keeps beside the bytes.
    pub fn put_object(&self, bucket: &str, key: &str, new: NewObject) -> String {
        let object = StoredObject::hashed(new, self.shared.options.checksum);
        let etag = object.etag.clone();
        self.shared.store.put(bucket, key, object);
        etag
    }

    /// Every file below a directory becomes an object: its path, with `/`, is the key. Returns how many.
    pub fn put_directory(&self, bucket: &str, directory: &Path) -> io::Result<usize> {
        self.create_bucket(bucket);
        crate::seed::put_directory(self, bucket, directory)
    }

    /// Whether it was there.
    pub fn remove(&self, bucket: &str, key: &str) -> bool {
        self.shared.store.remove(bucket, key)
    }

    /// How far the restore of an archived object is, from now on. Whether the object is there.
    pub fn set_restore(&self, bucket: &str, key: &str, restore: Option<Restore>) -> bool {
        self.shared.store.write(|buckets| {
            let object = buckets.get_mut(bucket).and_then(|bucket| bucket.objects.get_mut(key));
            object.map(|object| Arc::make_mut(object).restore = restore).is_some()
        })
    }

    /// Names, in byte order.
    pub fn buckets(&self) -> Vec<String> {
        self.shared.store.read(|buckets| buckets.keys().cloned().collect())
    }

    /// What lies in a bucket, in byte order of the keys; nothing when there is no such bucket.
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

    /// Orders a fault. Of several that are meant for a request, the one ordered first strikes.
    pub fn order(&self, matcher: Matcher, fault: Fault) -> OrderedFault {
        self.shared.faults.order(matcher, fault)
    }

    /// Withdraws all faults.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// What was asked so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.journal.log()
    }

    /// Forgets what was asked so far; the counters stay.
    pub fn clear_requests(&self) {
        self.shared.journal.clear_log();
    }

    /// Totals.
    pub fn counters(&self) -> Counters {
        self.shared.journal.counters()
    }

    /// Until this many requests of an operation have arrived, in all.
    pub async fn seen(&self, operation: &str, count: u64) {
        self.shared.journal.operation_seen(operation, count).await;
    }
}
