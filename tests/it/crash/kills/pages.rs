//! The pages of the listing that each process requested, by the key after which they begin: empty for the first page.

use super::{KILLS, PAGES};
use mock_s3::Request;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct PageReads {
    /// The number of requests already counted.
    accounted: usize,
    /// How many processes requested each page.
    times: BTreeMap<String, usize>,
    /// For each process, the number of pages that an earlier one had requested.
    again: Vec<usize>,
}

impl PageReads {
    /// Counts the requests of the process that has just ended; `requests` contains those of all processes.
    pub(super) fn process_ended(&mut self, requests: &[Request]) {
        let of_this_one = requests[self.accounted..].iter().filter(|request| request.operation == "ListObjectsV2");
        let asked: Vec<_> = of_this_one.map(|request| request.begins_after().unwrap_or_default()).collect();
        self.accounted = requests.len();
        // A killed process's last request may arrive only now: it is the page that this process requested again.
        let different: BTreeSet<_> = asked.into_iter().collect();
        self.again.push(different.iter().filter(|page| self.times.contains_key(*page)).count());
        for page in different {
            *self.times.entry(page).or_insert(0) += 1;
        }
    }

    /// Pages that any process requested.
    pub(super) fn different(&self) -> usize {
        self.times.len()
    }

    /// A kill costs at most one page.
    pub(super) fn judge(&self) {
        assert_eq!(self.different(), PAGES, "{:?}", self.times);
        let again: usize = self.times.values().map(|times| times - 1).sum();
        println!("{again:>5}  pages were read again");
        assert!(again <= KILLS, "{again} pages were read again after {KILLS} kills: {:?}", self.times);
        let too_many: Vec<_> = self.again.iter().enumerate().filter(|(_, pages)| **pages > 1).collect();
        assert!(too_many.is_empty(), "(kills before, pages that the next process read again): {too_many:?}");
    }
}
