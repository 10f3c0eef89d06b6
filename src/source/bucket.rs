//! Pages of a bucket, each asked for with retries.

use crate::record::ObjectKey;
use crate::retry::RetryPolicy;
use crate::s3::{ListPage, ListRequest, ReadBucket, S3Error};

/// How a bucket is listed.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Only keys that begin with this; empty = all.
    pub prefix: String,
    /// Keys in one page (1..=1000).
    pub page_keys: u16,
    /// For each page.
    pub retry: RetryPolicy,
}

impl Scan {
    /// The page after a key. Every page is asked for by its first key, never by a server's token, so that a
    /// listing can go on where another process left off.
    pub async fn page(&self, bucket: &dyn ReadBucket, after: Option<&ObjectKey>) -> Result<ListPage, S3Error> {
        self.retry
            .run(|| bucket.list_page(ListRequest { prefix: self.prefix.clone(), start_after: after.cloned(), max_keys: self.page_keys }))
            .await
    }
}
