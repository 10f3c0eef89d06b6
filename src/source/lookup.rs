//! Looks at single keys by HEAD, and what a 404 is worth.

use crate::mutant;
use crate::record::{Look, LookedAt, ObjectFacts, ObjectKey};
use crate::retry::{Disposed as _, Disposition, RetryPolicy};
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

/// What the looks at some keys came to.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// What was found, or found gone.
    pub found: Vec<LookedAt>,
    /// The keys that cannot be looked at, though the bucket opens.
    pub failed: Vec<(ObjectKey, S3Error)>,
}

/// Looks at each of some keys, some at a time; all of them take one number. An error is a shut door: a 404 and a failure of a key
/// count only if the bucket opens *after* the last of them, one question for all.
pub async fn look_at_each(
    bucket: &Arc<dyn ReadBucket>,
    keys: Vec<ObjectKey>,
    look: Look,
    at_a_time: usize,
    retry: RetryPolicy,
) -> Result<Looks, S3Error> {
    let mut answers = stream::iter(keys)
        .map(|key| async move {
            let facts = head(bucket.as_ref(), &key, retry).await;
            (key, facts)
        })
        .buffered(at_a_time);
    let mut looks = Looks::default();
    while let Some((path, facts)) = answers.next().await {
        match facts {
            Ok(facts) => looks.found.push(LookedAt { path, facts, look }),
            Err(error) if matches!(error.disposition(), Disposition::Stop { .. }) => return Err(error),
            Err(error) => looks.failed.push((path, error)),
        }
    }
    let gone = looks.found.iter().any(|looked| looked.facts.is_none()) && !mutant::is("a_404_is_believed");
    if gone || !looks.failed.is_empty() {
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
