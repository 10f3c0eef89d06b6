//! Keys that are missing from a listing: looks up each of them before anything is deleted.

use crate::apply::context::ApplyContext;
use crate::apply::error::ApplyError;
use crate::mutant;
use crate::record::{ObjectFacts, ObjectKey, Observation, Observed};
use crate::source::{self, Lookups};
use crate::state::WorkItem;
use jiff::Timestamp;
use std::collections::HashMap;

/// The results of looking up a batch of paths.
#[derive(Default)]
pub(in crate::apply) struct AbsentLookups {
    /// The paths that need an operation, in most cases a delete.
    pub(in crate::apply) work: Vec<WorkItem>,
    /// The paths that are gone and that the sink never had.
    pub(in crate::apply) never_applied: Vec<ObjectKey>,
    /// The paths that hold an object although the listing did not show them; `true` = it has not been written since it was last observed, so
    /// it was there while the bucket was listed.
    pub(in crate::apply) missed: Vec<(ObjectKey, bool)>,
    /// The paths whose lookup failed, with the number of their earlier failed runs.
    pub(in crate::apply) failed: Vec<(ObjectKey, u32, ApplyError)>,
}

impl ApplyContext {
    /// Looks up each path of a batch, stores the observations and returns the paths that need an operation. An error means that an endpoint
    /// is unreachable.
    pub(in crate::apply) async fn look_up_absent(&self, batch: Vec<WorkItem>, at_a_time: usize) -> Result<AbsentLookups, ApplyError> {
        let seq = self.state.source().observation_next();
        let keys = batch.iter().map(|work| work.path.clone()).collect();
        let before: HashMap<_, _> = batch.into_iter().map(|work| (work.path, (work.attempts, work.path_state.observed))).collect();
        let mut lookups = AbsentLookups::default();
        let assumed_gone = |keys: Vec<_>| keys.into_iter().map(|path| Observation { path, facts: None, seq }).collect();
        let Lookups { found, failed } = if mutant::is("absence_in_a_page_is_believed") {
            Lookups { found: assumed_gone(keys), failed: Vec::new() }
        } else {
            source::look_up_each(&self.source, keys, seq, at_a_time, self.options.retry).await?
        };
        for (path, error) in failed {
            let attempts = before.get(&path).map(|(attempts, _)| *attempts).unwrap_or_default();
            lookups.failed.push((path, attempts, error.into()));
        }
        self.state.source().observations_record(found.clone()).await?;
        for Observation { path, facts, .. } in found {
            let known = before.get(&path).and_then(|(_, observed)| observed.as_ref());
            lookups.missed.extend(facts.as_ref().and_then(|facts| self.missed(&path, known, facts)));
            match self.state.work_item(&path).await? {
                Some(work) => lookups.work.push(work),
                None => lookups.never_applied.extend(facts.is_none().then_some(path)),
            }
        }
        Ok(lookups)
    }

    /// Looks up some paths whose deletes are about to be held, and stores the observations of those that are there: they are no deletes any
    /// more. Of the others nothing is stored, because they are looked up before their deletes are sent. Returns those that the listing missed.
    pub(in crate::apply) async fn look_up_sample(
        &self,
        sample: Vec<WorkItem>,
        at_a_time: usize,
    ) -> Result<Vec<(ObjectKey, bool)>, ApplyError> {
        let seq = self.state.source().observation_next();
        let keys = sample.iter().map(|work| work.path.clone()).collect();
        let before: HashMap<_, _> = sample.into_iter().map(|work| (work.path, work.path_state.observed)).collect();
        let mut found = source::look_up_each(&self.source, keys, seq, at_a_time, self.options.retry).await?.found;
        found.retain(|observation| observation.facts.is_some());
        let missed = |Observation { path, facts, .. }: &Observation| {
            let known = before.get(path).and_then(Option::as_ref);
            self.missed(path, known, facts.as_ref()?)
        };
        let missed = found.iter().filter_map(missed).collect();
        self.state.source().observations_record(found).await?;
        Ok(missed)
    }

    /// A key that holds an object, as [`AbsentLookups::missed`]; `None` = the listing did show it (a directory marker where a file was).
    fn missed(&self, path: &ObjectKey, before: Option<&Observed>, facts: &ObjectFacts) -> Option<(ObjectKey, bool)> {
        let known = before.and_then(|observed| observed.facts.as_ref());
        let missed = || (path.clone(), known.is_some_and(|known| is_same_object(known, facts)));
        (!self.listing.showed(before)).then(missed)
    }
}

/// True if the object has not been written between two observations: its content is the same, and so is the time of its last change, to
/// the second. An unknown time proves nothing.
fn is_same_object(one: &ObjectFacts, other: &ObjectFacts) -> bool {
    let second = |facts: &ObjectFacts| facts.last_modified.map(Timestamp::as_second);
    one.fingerprint().is_some() && one.fingerprint() == other.fingerprint() && second(one).is_some() && second(one) == second(other)
}
