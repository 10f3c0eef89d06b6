//! Faults that a test orders: the requests that they match, and the fault. `gatekeeper` and `wire` apply them.

use crate::gate::{Gate, at_least};
use crate::listing::OddListing;
use crate::object::NewObject;
use crate::requests::Request;
use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A fault.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An error response.
    Error {
        /// HTTP status.
        status: u16,
        /// The S3 error code: `InternalError`, `SlowDown`, …
        code: String,
        /// Sent as `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// Served after this time.
    Delay(Duration),
    /// No response; the connection stays open.
    Hang,
    /// Held at the gate, then served.
    Hold(Gate),
    /// The connection is reset (RST) before the response.
    Reset,
    /// The connection is reset (RST) after this many bytes of the response's body.
    ResetAfter(u64),
    /// The connection is closed (FIN) after this many bytes of the body, though `Content-Length` is larger.
    CloseAfter(u64),
    /// Only this many bytes of the body, with a matching `Content-Length`.
    Shorten(u64),
    /// The byte at this offset of the body is wrong; the length is right.
    WrongByte(u64),
    /// No `Content-Length`; the body of a GET is chunked.
    NoLength,
    /// The header has exactly these values; without values it is missing. Bytes from 0x80 are allowed.
    Header {
        /// Its name.
        name: &'static str,
        /// Its values, one line each.
        values: Vec<Vec<u8>>,
    },
    /// The object of the request is replaced, then the request is served.
    Replace(NewObject),
    /// The object of the request is removed, then the request is served.
    Remove,
    /// The bucket of the request is removed with its objects, then the request is served.
    BucketGone,
    /// A page of a listing as some stores send it.
    Listing(OddListing),
    /// In a document of the response, each element `parent` has elements of this name with these values and no other ones.
    Element {
        /// The element around them.
        parent: &'static str,
        /// Their name.
        name: &'static str,
        /// Their contents, each one an element.
        values: Vec<Vec<u8>>,
    },
    /// The store ignores a header of the request.
    Ignores(IgnoredHeader),
    /// Every occurrence of a text in a response's document is replaced; the length stays right.
    Edit {
        /// The text to replace.
        find: String,
        /// The replacement.
        replace: Bytes,
    },
}

/// A header of a request that some stores ignore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoredHeader {
    /// `If-Match`
    IfMatch,
    /// `Range`
    Range,
    /// `x-amz-checksum-mode`
    ChecksumMode,
    /// `If-Match` and `If-None-Match` of a write
    WriteConditions,
    /// `x-amz-copy-source-if-match`
    CopySourceIfMatch,
}

impl Fault {
    /// An error response.
    pub fn error(status: u16, code: &str) -> Self {
        Self::Error { status, code: code.into(), retry_after: None }
    }

    /// An edited document.
    pub fn edit(find: &str, replace: impl Into<Bytes>) -> Self {
        Self::Edit { find: find.into(), replace: replace.into() }
    }

    /// 500 `InternalError`
    pub fn internal_error() -> Self {
        Self::error(500, "InternalError")
    }

    /// A header with this value.
    pub fn header(name: &'static str, value: impl AsRef<[u8]>) -> Self {
        Self::Header { name, values: vec![value.as_ref().to_vec()] }
    }

    /// 503 `SlowDown`
    pub fn slow_down(retry_after: Option<Duration>) -> Self {
        Self::Error { status: 503, code: "SlowDown".into(), retry_after }
    }

    /// 403 `AccessDenied`
    pub fn access_denied() -> Self {
        Self::error(403, "AccessDenied")
    }

    /// 404 `NoSuchKey`, while a listing still shows the key.
    pub fn no_such_key() -> Self {
        Self::error(404, "NoSuchKey")
    }

    /// 404 `NoSuchBucket`
    pub fn no_such_bucket() -> Self {
        Self::error(404, "NoSuchBucket")
    }
}

/// The requests that a fault matches: all requests, without end, unless restricted.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    operation: Option<String>,
    bucket: Option<String>,
    key: Option<String>,
    conditional: bool,
    skip: u64,
    times: Option<u64>,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of an operation: `GetObject`, `ListObjectsV2`, …
    pub fn operation(name: &str) -> Self {
        Self { operation: Some(name.into()), ..Self::default() }
    }

    /// Only in this bucket.
    #[must_use]
    pub fn bucket(mut self, bucket: &str) -> Self {
        self.bucket = Some(bucket.into());
        self
    }

    /// Only for this key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Only with `If-Match` or `If-None-Match`.
    #[must_use]
    pub fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// Skips this many matching requests first.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Applies only this many times.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    fn matches(&self, request: &Request) -> bool {
        let is = |wanted: &Option<String>, actual: Option<&str>| wanted.is_none() || wanted.as_deref() == actual;
        is(&self.operation, Some(&request.operation))
            && is(&self.bucket, request.bucket.as_deref())
            && is(&self.key, request.key.as_deref())
            && (!self.conditional || request.if_match.is_some() || request.if_none_match.is_some())
    }
}

/// A fault that was ordered.
#[derive(Clone, Debug)]
pub struct OrderedFault {
    order: Arc<Order>,
}

impl OrderedFault {
    /// How often it was applied.
    pub fn strikes(&self) -> u64 {
        *self.order.strikes.borrow()
    }

    /// Waits until it was applied this often.
    pub async fn struck(&self, count: u64) {
        at_least(&self.order.strikes, count).await;
    }

    /// Withdraws it.
    pub fn withdraw(&self) {
        self.order.left.store(0, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct Order {
    matcher: Matcher,
    fault: Fault,
    to_skip: AtomicU64,
    left: AtomicU64,
    strikes: watch::Sender<u64>,
}

/// The ordered faults, oldest first.
#[derive(Default)]
pub(crate) struct Faults {
    orders: Mutex<Vec<Arc<Order>>>,
}

impl Faults {
    pub(crate) fn order(&self, matcher: Matcher, fault: Fault) -> OrderedFault {
        let (to_skip, left) = (AtomicU64::new(matcher.skip), AtomicU64::new(matcher.times.unwrap_or(u64::MAX)));
        let order = Arc::new(Order { matcher, fault, to_skip, left, strikes: watch::Sender::new(0) });
        self.lock().push(Arc::clone(&order));
        OrderedFault { order }
    }

    pub(crate) fn clear(&self) {
        for order in self.lock().drain(..) {
            order.left.store(0, Ordering::SeqCst);
        }
    }

    /// The first fault that matches the request. Later ones do not count the request.
    pub(crate) fn strike(&self, request: &Request) -> Option<Fault> {
        let mut orders = self.lock();
        orders.retain(|order| order.left.load(Ordering::SeqCst) > 0);
        let meant = |order: &&Arc<Order>| {
            let count_down =
                |counter: &AtomicU64| counter.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            order.matcher.matches(request) && !count_down(&order.to_skip) && count_down(&order.left)
        };
        let order = Arc::clone(orders.iter().find(meant)?);
        drop(orders);
        order.strikes.send_modify(|strikes| *strikes += 1);
        Some(order.fault.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Order>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
