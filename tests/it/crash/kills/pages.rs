//! Which pages of the listing each process asked for, by the key after which they begin: empty for the first page.

use super::{KILLS, PAGES};
use mock_s3::Request;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct PageReads {
    /// Requests that are accounted for.
    accounted: usize,
    /// How many processes asked for each page.
    times: BTreeMap<String, usize>,
    /// How many pages each process asked for that an earlier one had asked for.
    again: Vec<usize>,
}

impl PageReads {
    /// The process that made the newest requests has ended; `requests` are those of all.
    pub(super) fn process_ended(&mut self, requests: &[Request]) {
        let of_this_one = requests[self.accounted..].iter().filter(|request| request.operation == "ListObjectsV2");
        let asked: Vec<_> = of_this_one.map(|request| request.begins_after().unwrap_or_default()).collect();
        self.accounted = requests.len();
        // A killed process's last request may arrive only now: it is the page that this one asked for again.
        let different: BTreeSet<_> = asked.into_iter().collect();
        self.again.push(different.iter().filter(|page| self.times.contains_key(*page)).count());
        for page in different {
            *self.times.entry(page).or_insert(0) += 1;
        }
    }

    /// Pages that any process asked for.
    pub(super) fn different(&self) -> usize {
        self.times.len()
    }

    /// A kill costs one page at the most.
    pub(super) fn judge(&self) {
        assert_eq!(self.different(), PAGES, "{:?}", self.times);
        let again: usize = self.times.values().map(|times| times - 1).sum();
        println!("{again:>5}  pages were read again");
        assert!(again <= KILLS, "{again} pages were read again after {KILLS} kills: {:?}", self.times);
        let too_many: Vec<_> = self.again.iter().enumerate().filter(|(_, pages)| **pages > 1).collect();
        assert!(too_many.is_empty(), "(kills before, pages that the next process read again): {too_many:?}");
    }
}
