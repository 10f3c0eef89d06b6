//! Lookups of single keys, and the rule for when an absence is evidence.

use super::Source;
use crate::endpoint::EndpointError;
use crate::mutant;
use crate::record::{ObjectFacts, ObjectKey, Observation, ObservationSeq};
use crate::retry::{Disposed as _, Disposition, RetryPolicy};
use futures::stream::{self, StreamExt as _};
use std::sync::Arc;

/// Looks up one key; `None` = the key is absent and the source is reachable.
pub async fn look_at(source: &dyn Source, key: &ObjectKey, retry: RetryPolicy) -> Result<Option<ObjectFacts>, EndpointError> {
    let found = retry.run(|| source.stat(key)).await?;
    if found.is_none() && !mutant::is("a_404_is_believed") {
        retry.run(|| source.check()).await?;
    }
    Ok(found)
}

/// The results of the lookups of some keys.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// The keys that were found, or found gone.
    pub found: Vec<Observation>,
    /// The keys whose lookup fails although the source answers.
    pub failed: Vec<(ObjectKey, EndpointError)>,
}

/// Looks up some keys, some at a time; all of them get one lookup number. An error means that the source is unreachable: an absence
/// and a failure of a key count only if the source answers *after* the last of them, one check for all.
pub async fn look_at_each(
    source: &Arc<dyn Source>,
    keys: Vec<ObjectKey>,
    look: ObservationSeq,
    at_a_time: usize,
    retry: RetryPolicy,
) -> Result<Looks, EndpointError> {
    let mut answers = stream::iter(keys)
        .map(|key| async move {
            let facts = retry.run(|| source.stat(&key)).await;
            (key, facts)
        })
        .buffered(at_a_time);
    let mut looks = Looks::default();
    while let Some((path, facts)) = answers.next().await {
        match facts {
            Ok(facts) => looks.found.push(Observation { path, facts, look }),
            Err(error) if matches!(error.disposition(), Disposition::Stop { .. }) => return Err(error),
            Err(error) => looks.failed.push((path, error)),
        }
    }
    let gone = looks.found.iter().any(|looked| looked.facts.is_none()) && !mutant::is("a_404_is_believed");
    if gone || !looks.failed.is_empty() {
        retry.run(|| source.check()).await?;
    }
    Ok(looks)
}
