//! Looks at single keys by HEAD, and what a 404 is worth.

use crate::mutant;
use crate::record::{ObjectFacts, ObjectKey};
use crate::retry::RetryPolicy;
use crate::s3::{ReadBucket, S3Error, S3ErrorKind};
use futures::stream::{self, StreamExt as _};
use std::sync::Arc;

/// Looks at one key; `None` = it is not there, and the bucket is.
pub async fn look_at(bucket: &dyn ReadBucket, key: &ObjectKey, retry: RetryPolicy) -> Result<Option<ObjectFacts>, S3Error> {
    let found = head(bucket, key, retry).await?;
    if found.is_none() && !mutant::is("a_404_is_believed") {
        retry.run(|| bucket.head_bucket()).await?;
    }
    Ok(found)
}

/// Looks at each of some keys, some at a time. The 404s among them count only if the bucket is there *after* the last
/// of them: one question for all.
pub async fn look_at_each(
    bucket: &Arc<dyn ReadBucket>,
    keys: Vec<ObjectKey>,
    at_a_time: usize,
    retry: RetryPolicy,
) -> Result<Vec<(ObjectKey, Result<Option<ObjectFacts>, S3Error>)>, S3Error> {
    let looks: Vec<_> = stream::iter(keys)
        .map(|key| async move {
            let found = head(bucket.as_ref(), &key, retry).await;
            (key, found)
        })
        .buffered(at_a_time)
        .collect()
        .await;
    if looks.iter().any(|(_, found)| matches!(found, Ok(None))) && !mutant::is("a_404_is_believed") {
        retry.run(|| bucket.head_bucket()).await?;
    }
    Ok(looks)
}

async fn head(bucket: &dyn ReadBucket, key: &ObjectKey, retry: RetryPolicy) -> Result<Option<ObjectFacts>, S3Error> {
    match retry.run(|| bucket.head_object(key)).await {
        Ok(head) => Ok(Some(head.facts)),
        Err(error) if error.kind == S3ErrorKind::NoSuchKey => Ok(None),
        Err(error) => Err(error),
    }
}
