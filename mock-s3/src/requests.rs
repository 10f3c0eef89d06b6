//! The request log, and counters that are cheap when the log is off.

use crate::listing::Marker;
use hyper::{HeaderMap, Uri};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// One request with a valid signature, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GetObject`, `ListObjectsV2`, …
    pub operation: String,
    /// The bucket, if the operation has one.
    pub bucket: Option<String>,
    /// The key, if the operation has one.
    pub key: Option<String>,
    /// As sent, percent-encoded; empty if there was none.
    pub query: String,
    /// The header `If-Match`.
    pub if_match: Option<String>,
    /// The header `If-None-Match`.
    pub if_none_match: Option<String>,
    /// The header `x-amz-copy-source`.
    pub copy_source: Option<String>,
    /// The header `Range`.
    pub range: Option<String>,
}

impl Request {
    pub(crate) fn new(operation: &str, uri: &Uri, headers: &HeaderMap) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self {
            operation: operation.into(),
            bucket: None,
            key: None,
            query: uri.query().unwrap_or_default().into(),
            if_match: header("if-match"),
            if_none_match: header("if-none-match"),
            copy_source: header("x-amz-copy-source"),
            range: header("range"),
        }
    }

    /// The key after which the page of a listing begins, by its token or its `start-after`; `None` = the first page.
    pub fn begins_after(&self) -> Option<String> {
        let value = |name: &str| self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(percent_decoded);
        let of_token = value("continuation-token").and_then(|token| Marker::from_token(&token));
        let after = of_token.map(|marker| marker.text().to_owned()).or_else(|| value("start-after"));
        after.filter(|after| !after.is_empty())
    }

    /// True if the request asks for a page of a listing by `start-after` and not by a token.
    pub fn is_resumed_listing(&self) -> bool {
        self.query.split('&').any(|pair| pair.starts_with("start-after="))
    }
}

/// The text of a parameter. A `%` without two hexadecimal digits stays.
fn percent_decoded(value: &str) -> String {
    let mut parts = value.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.split_at_checked(2).and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, rest))) {
            Some((byte, rest)) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            None => bytes.extend_from_slice(format!("%{part}").as_bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Totals since the server was created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// All HTTP requests, including those with a wrong signature.
    pub requests: u64,
    /// By operation; only those with a valid signature.
    pub operations: BTreeMap<String, u64>,
    /// Accepted TCP connections.
    pub connections: u64,
    /// The highest number of concurrent requests, from their arrival to the end of the response's body.
    pub most_at_once: u64,
}

/// Records requests.
pub(crate) struct Journal {
    keeps_log: bool,
    log: Mutex<Vec<Request>>,
    operations: Mutex<BTreeMap<String, u64>>,
    arrivals: watch::Sender<u64>,
    requests: AtomicU64,
    connections: AtomicU64,
    under_way: AtomicU64,
    most_at_once: AtomicU64,
}

impl Journal {
    pub(crate) fn new(keeps_log: bool) -> Self {
        Self {
            keeps_log,
            log: Mutex::default(),
            operations: Mutex::default(),
            arrivals: watch::Sender::new(0),
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
            most_at_once: AtomicU64::new(0),
        }
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request as active until the response is dropped.
    pub(crate) fn arrived(self: &Arc<Self>) -> UnderWay {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        UnderWay { journal: Arc::clone(self) }
    }

    pub(crate) fn write(&self, request: &Request) {
        let mut operations = lock(&self.operations);
        match operations.get_mut(&request.operation) {
            Some(count) => *count += 1,
            None => {
                operations.insert(request.operation.clone(), 1);
            }
        }
        drop(operations);
        if self.keeps_log {
            lock(&self.log).push(request.clone());
        }
        self.arrivals.send_modify(|arrivals| *arrivals += 1);
    }

    pub(crate) fn log(&self) -> Vec<Request> {
        lock(&self.log).clone()
    }

    pub(crate) fn clear_log(&self) {
        lock(&self.log).clear();
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            requests: self.requests.load(Ordering::Relaxed),
            operations: lock(&self.operations).clone(),
            connections: self.connections.load(Ordering::Relaxed),
            most_at_once: self.most_at_once.load(Ordering::SeqCst),
        }
    }

    pub(crate) async fn operation_seen(&self, operation: &str, count: u64) {
        let seen = || lock(&self.operations).get(operation).is_some_and(|seen| *seen >= count);
        let mut arrivals = self.arrivals.subscribe();
        arrivals.wait_for(|_| seen()).await.expect("invariant: the journal holds the sender");
    }
}

/// A request that is being served.
pub(crate) struct UnderWay {
    journal: Arc<Journal>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.journal.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
