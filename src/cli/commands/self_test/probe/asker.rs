//! The calls of the probe: bounded in number and time, one attempt each, all of them reads.

use crate::record::{ETag, Hasher, ObjectKey, PageCursor};
use crate::retry::{Disposed as _, Disposition};
use crate::s3::{
    AnsweredObject, AnsweredPage, AwsBucket, ChecksumAlgorithm, GetRequest, ListRequest, ReadObjects as _, S3Error, S3ErrorKind,
};
use futures::StreamExt as _;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The maximum number of requests.
const MAX_REQUESTS: u32 = 40;
/// The time limit of the whole probe.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Asks one store.
pub(super) struct Asker {
    bucket: AwsBucket,
    /// The prefix of the synced keys.
    pub(super) prefix: String,
    deadline: Instant,
    requests: AtomicU32,
}

/// The reason why a question has no answer.
#[derive(Clone, Debug)]
pub(super) enum NoAnswer {
    /// The store refused the request; a repetition would be refused, too.
    Refused(S3Error),
    /// The store failed or was too slow; it may answer the next time.
    Failed(String),
}

/// A body that was read to its end.
pub(super) struct ReadBody {
    pub(super) bytes: u64,
    /// The digest by the algorithm of the object's checksum; `None` = it has none.
    pub(super) checksum: Option<crate::record::Checksum>,
}

impl Asker {
    pub(super) fn new(bucket: AwsBucket, prefix: String) -> Self {
        Self { bucket, prefix, deadline: Instant::now() + TIME_LIMIT, requests: AtomicU32::new(0) }
    }

    /// The number of requests so far.
    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// A page of the synced keys.
    pub(super) async fn page(&self, from: PageCursor, max_keys: u16) -> Result<AnsweredPage, NoAnswer> {
        self.page_below(&self.prefix, from, max_keys).await
    }

    /// A page of the keys with this prefix.
    pub(super) async fn page_below(&self, prefix: &str, from: PageCursor, max_keys: u16) -> Result<AnsweredPage, NoAnswer> {
        let request = ListRequest { prefix: prefix.to_owned(), from, max_keys };
        self.ask(Box::pin(self.bucket.answered_page(&request))).await
    }

    /// The headers of an object.
    pub(super) async fn head(&self, key: &ObjectKey) -> Result<AnsweredObject, NoAnswer> {
        self.ask(Box::pin(self.bucket.answered_head(key))).await
    }

    /// True if the bucket answers.
    pub(super) async fn head_bucket(&self) -> Result<(), NoAnswer> {
        self.ask(self.bucket.head_bucket()).await
    }

    /// The headers of a GET. The body is not read.
    pub(super) async fn get(&self, key: &ObjectKey, if_match: Option<ETag>, range: Option<Range<u64>>) -> Result<AnsweredObject, NoAnswer> {
        let request = GetRequest { key: key.clone(), if_match, size: None, range };
        self.ask(Box::pin(self.bucket.answered_get(&request))).await.map(|(object, _)| object)
    }

    /// An object and its body, which is read and discarded.
    pub(super) async fn read(&self, key: &ObjectKey) -> Result<(AnsweredObject, ReadBody), NoAnswer> {
        let request = GetRequest { key: key.clone(), if_match: None, size: None, range: None };
        let call = async {
            let (object, mut body) = self.bucket.answered_get(&request).await?;
            let algorithm = object.checksum.as_ref().map(|checksum| checksum.algorithm);
            let mut hasher = Hasher::new(algorithm.unwrap_or(ChecksumAlgorithm::Md5));
            let mut bytes = 0;
            while let Some(chunk) = body.next().await {
                let chunk = chunk?;
                hasher.update(&chunk);
                bytes += chunk.len() as u64;
            }
            let checksum = algorithm.map(|_| hasher.finish());
            Ok((object, ReadBody { bytes, checksum }))
        };
        self.ask(Box::pin(call)).await
    }

    async fn ask<T>(&self, call: impl Future<Output = Result<T, S3Error>>) -> Result<T, NoAnswer> {
        if self.requests.fetch_add(1, Ordering::Relaxed) >= MAX_REQUESTS {
            self.requests.store(MAX_REQUESTS, Ordering::Relaxed);
            return Err(NoAnswer::Failed(format!("not asked: the probe makes at most {MAX_REQUESTS} requests")));
        }
        match timeout_at(self.deadline, call).await {
            Ok(answer) => answer.map_err(NoAnswer::from),
            Err(_) => Err(NoAnswer::Failed(format!("not asked: the probe takes at most {} s", TIME_LIMIT.as_secs()))),
        }
    }
}

impl NoAnswer {
    /// True if the store refused the request with an error of this kind.
    pub(super) fn is(&self, kind: &S3ErrorKind) -> bool {
        matches!(self, Self::Refused(error) if error.kind == *kind)
    }
}

impl From<S3Error> for NoAnswer {
    fn from(error: S3Error) -> Self {
        match error.disposition() {
            Disposition::Retry { .. } | Disposition::Stop { transient: true } => Self::Failed(error.to_string()),
            _ => Self::Refused(error),
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Failed(words) => f.write_str(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::AwsOptions;
    use crate::sdk::{AccessKeys, CredentialSource};

    #[tokio::test]
    async fn the_requests_are_counted_and_no_more_than_the_limit_are_made() {
        let mut options = AwsOptions::for_bucket("b");
        // No server listens there: each request is refused at once.
        options.endpoint = Some("http://127.0.0.1:1".parse().expect("an address"));
        options.credentials = CredentialSource::Fixed(AccessKeys::new("a", "s"));
        let asker = Asker::new(AwsBucket::connect(options).await.expect("keys are given"), String::new());
        for _ in 0..MAX_REQUESTS {
            let error = asker.head_bucket().await.expect_err("nothing listens").to_string();
            assert!(error.contains("refused"), "{error}");
        }
        let error = asker.head_bucket().await.expect_err("the limit is reached").to_string();
        assert_eq!((error.as_str(), asker.requests()), ("not asked: the probe makes at most 40 requests", MAX_REQUESTS));
    }
}
