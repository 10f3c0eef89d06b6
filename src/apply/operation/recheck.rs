//! Keys that are missing from a listing: looks up each of them before anything is deleted.

use crate::apply::context::ApplyContext;
use crate::apply::error::ApplyError;
use crate::mutant;
use crate::record::{ObjectKey, Observation};
use crate::source::{self, Lookups};
use crate::state::WorkItem;
use std::collections::HashMap;

/// The results of looking up a batch of paths.
pub(in crate::apply) struct AbsentLookups {
    /// The paths that need an operation, in most cases a delete.
    pub(in crate::apply) work: Vec<WorkItem>,
    /// The paths that are gone and that the sink never had.
    pub(in crate::apply) never_applied: Vec<ObjectKey>,
    /// The paths whose lookup failed, with the number of their earlier failed runs.
    pub(in crate::apply) failed: Vec<(ObjectKey, u32, ApplyError)>,
}

impl ApplyContext {
    /// Looks up each path of a batch, stores the observations and returns the paths that need an operation. An error means that an endpoint
    /// is unreachable.
    pub(in crate::apply) async fn look_up_absent(&self, batch: Vec<WorkItem>, at_a_time: usize) -> Result<AbsentLookups, ApplyError> {
        let seq = self.state.source().observation_next();
        let attempts: HashMap<_, _> = batch.iter().map(|work| (work.path.clone(), work.attempts)).collect();
        let keys = batch.into_iter().map(|work| work.path).collect();
        let mut lookups = AbsentLookups { work: Vec::new(), never_applied: Vec::new(), failed: Vec::new() };
        let assumed_gone = |keys: Vec<_>| keys.into_iter().map(|path| Observation { path, facts: None, seq }).collect();
        let Lookups { found, failed } = if mutant::is("absence_in_a_page_is_believed") {
            Lookups { found: assumed_gone(keys), failed: Vec::new() }
        } else {
            source::look_up_each(&self.source, keys, seq, at_a_time, self.options.retry).await?
        };
        for (path, error) in failed {
            let attempts = attempts.get(&path).copied().unwrap_or_default();
            lookups.failed.push((path, attempts, error.into()));
        }
        self.state.source().observations_record(found.clone()).await?;
        for Observation { path, facts, .. } in found {
            match self.state.work_item(&path).await? {
                Some(work) => lookups.work.push(work),
                None => lookups.never_applied.extend(facts.is_none().then_some(path)),
            }
        }
        Ok(lookups)
    }
}
