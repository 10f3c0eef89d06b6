//! Lookups of single keys, and the evidence rule: a "not found" counts only if the source answers a check after it.

use super::Source;
use crate::endpoint::EndpointError;
use crate::mutant;
use crate::record::{ObjectFacts, ObjectKey, Observation, ObservationSeq};
use crate::retry::{Disposed as _, Disposition, RetryPolicy};
use futures::stream::{self, StreamExt as _};
use std::sync::Arc;

/// Looks up one key; `None` = the key does not exist, and the source answered a check after the lookup.
pub async fn look_up(source: &dyn Source, key: &ObjectKey, retry: RetryPolicy) -> Result<Option<ObjectFacts>, EndpointError> {
    let found = retry.run(|| source.stat(key)).await?;
    if found.is_none() && !mutant::is("a_404_is_believed") {
        retry.run(|| source.check()).await?;
    }
    Ok(found)
}

/// The results of several lookups.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    /// The observations: of keys that exist and of keys that do not.
    pub found: Vec<Observation>,
    /// The keys whose lookup failed although the source answers.
    pub failed: Vec<(ObjectKey, EndpointError)>,
}

/// Looks up several keys, `at_a_time` of them concurrently, with one observation number. If a key does not exist or its lookup
/// failed, checks the source once *after* the last lookup: absences and failures count only if it answers. An error means that
/// the source is unreachable.
pub async fn look_up_each(
    source: &Arc<dyn Source>,
    keys: Vec<ObjectKey>,
    seq: ObservationSeq,
    at_a_time: usize,
    retry: RetryPolicy,
) -> Result<Lookups, EndpointError> {
    let mut answers = stream::iter(keys)
        .map(|key| async move {
            let facts = retry.run(|| source.stat(&key)).await;
            (key, facts)
        })
        .buffered(at_a_time);
    let mut observations = Lookups::default();
    while let Some((path, facts)) = answers.next().await {
        match facts {
            Ok(facts) => observations.found.push(Observation { path, facts, seq }),
            Err(error) if matches!(error.disposition(), Disposition::Stop { .. }) => return Err(error),
            Err(error) => observations.failed.push((path, error)),
        }
    }
    let gone = observations.found.iter().any(|observation| observation.facts.is_none()) && !mutant::is("a_404_is_believed");
    if gone || !observations.failed.is_empty() {
        retry.run(|| source.check()).await?;
    }
    Ok(observations)
}
