//! The listing of a run: which observations are its own.

use crate::record::{ObservationSeq, Observed};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// No observation has this number: the run has not listed anything.
const NOT_BEGUN: u64 = u64::MAX;

/// The observation number with which a run's own listing began. Clones share it.
#[derive(Clone, Debug)]
pub struct OwnListing(Arc<AtomicU64>);

impl Default for OwnListing {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(NOT_BEGUN)))
    }
}

impl OwnListing {
    /// The listing begins with this observation. One that starts over begins again.
    pub fn begin(&self, seq: ObservationSeq) {
        self.0.store(seq.0, Ordering::Relaxed);
    }

    /// True if the observation shows the object and is as new as the listing: from one of its pages, or from a later lookup.
    pub fn showed(&self, observed: Option<&Observed>) -> bool {
        observed.is_some_and(|observed| observed.facts.is_some() && observed.seq.0 >= self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ObjectFacts;

    #[test]
    fn a_listing_shows_what_was_observed_since_it_began() {
        let facts = ObjectFacts { size: 1, etag: None, last_modified: None, storage_class: None, version_id: None };
        let there = |seq| Some(Observed { facts: Some(facts.clone()), seq: ObservationSeq(seq) });
        let listing = OwnListing::default();
        assert!(!listing.showed(there(7).as_ref()), "a run without a listing");
        listing.clone().begin(ObservationSeq(7));
        assert_eq!([6, 7, 8].map(|seq| listing.showed(there(seq).as_ref())), [false, true, true]);
        assert!(!listing.showed(None) && !listing.showed(Some(&Observed { facts: None, seq: ObservationSeq(9) })));
    }
}
