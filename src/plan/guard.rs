//! The delete guard of one sink in one run: computes how many deletes may be sent. If there are more, the guard holds all of them. Pure.

/// Limit of deletes that are sent without the operator's consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxDelete {
    /// A share of the rows that the sink holds.
    Percent(u8),
    /// A number of files.
    Count(u64),
}

impl MaxDelete {
    /// Lowest limit of a share: a share of very few rows would hold the deletes of everyday work.
    const MIN_PERCENT_LIMIT: u64 = 10;

    /// The greatest number of deletes that is sent while the sink holds `rows` rows.
    pub fn limit(self, rows: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let share = u128::from(rows) * u128::from(percent) / 100;
                u64::try_from(share).unwrap_or(u64::MAX).max(Self::MIN_PERCENT_LIMIT)
            }
        }
    }
}

/// Deletes that the guard holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldDeletes {
    /// The number of held deletes.
    pub deletes: u64,
    /// The number of the sink's files when the guard held the deletes. Files that are added later must not raise the limit.
    pub rows_when_held: u64,
    /// True if the guard holds them because the listing contained no files.
    pub nothing_listed: bool,
}

/// The operator's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// `MAX_DELETE`.
    pub max_delete: MaxDelete,
    /// `--allow-deletes`.
    pub for_this_run: Option<u64>,
}

/// The inputs of the guard's decision in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The number of the sink's files before the listing, because files that the same run creates must not raise the limit. `None` = events
    /// reported the deletes, and the current number of files counts.
    pub rows_before: Option<u64>,
    /// True if the listing that found the deletes contained no files.
    pub nothing_listed: bool,
    /// `true` = the guard judges the deletes that an earlier run held together with the new ones; `false` = it judges only the new ones.
    pub judge_held_again: bool,
}

impl Guard {
    /// The guard of a run that has completed a listing.
    pub fn of_listing(rows_before: u64, nothing_listed: bool) -> Self {
        Self { rows_before: Some(rows_before), nothing_listed, judge_held_again: true }
    }

    /// The guard of an incremental sync. It judges held deletes again if `--allow-deletes` is given or `MAX_DELETE` was raised enough.
    /// `unjudged` is the number of files before a listing whose run ended before a guard judged its deletes.
    pub fn of_cycle(held: Option<HeldDeletes>, unjudged: Option<u64>, allowance: Allowance) -> Self {
        let raised = held.is_some_and(|held| !held.nothing_listed && allowance.max_delete.limit(held.rows_when_held) >= held.deletes);
        let held_too = raised || allowance.for_this_run.is_some();
        let judged_again = held.filter(|_| held_too);
        Self {
            rows_before: [judged_again.map(|held| held.rows_when_held), unjudged].into_iter().flatten().min(),
            nothing_listed: judged_again.is_some_and(|held| held.nothing_listed),
            judge_held_again: held_too,
        }
    }

    /// The number of deletes that may be sent; the sink has `rows` files. If the listing contained no files, only `--allow-deletes` counts:
    /// an empty bucket is more often a mistake than intended.
    pub fn allowed(self, rows: u64, allowance: Allowance) -> u64 {
        let for_this_run = allowance.for_this_run.unwrap_or(0);
        let of_rows = self.rows_before.unwrap_or(rows);
        if self.nothing_listed { for_this_run } else { allowance.max_delete.limit(of_rows).max(for_this_run) }
    }

    /// The deletes that the guard holds from now on: `deletes` in all, `before` of an earlier run among them. The sink has `rows` files.
    pub fn hold(self, deletes: u64, rows: u64, before: Option<HeldDeletes>) -> HeldDeletes {
        let before = before.filter(|_| !self.judge_held_again);
        let rows = self.rows_before.unwrap_or(rows);
        HeldDeletes {
            deletes,
            rows_when_held: before.map_or(rows, |before| before.rows_when_held.min(rows)),
            nothing_listed: self.nothing_listed || before.is_some_and(|before| before.nothing_listed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowance(max_delete: MaxDelete, for_this_run: Option<u64>) -> Allowance {
        Allowance { max_delete, for_this_run }
    }

    #[test]
    fn deletes_are_a_share_of_the_files_from_before_the_listing() {
        let half = allowance(MaxDelete::Percent(50), None);
        for (rows_before, deletes, sent) in [(Some(100), 50, true), (Some(100), 51, false), (Some(4), 10, true), (Some(4), 11, false)] {
            let guard = Guard { rows_before, nothing_listed: false, judge_held_again: true };
            assert_eq!(deletes <= guard.allowed(1_000_000, half), sent, "{deletes} of {rows_before:?}");
        }
        let reported = Guard { rows_before: None, nothing_listed: false, judge_held_again: false };
        assert_eq!(reported.allowed(120, half), 60, "without a listing the files of now count");
    }

    #[test]
    fn a_listing_that_shows_nothing_leaves_the_decision_to_the_operator() {
        let guard = Guard::of_listing(100, true);
        assert_eq!(guard.allowed(100, allowance(MaxDelete::Percent(100), None)), 0);
        assert_eq!(guard.allowed(100, allowance(MaxDelete::Count(0), Some(100))), 100);
    }

    #[test]
    fn a_cycle_judges_held_deletes_again_when_asked_or_when_the_limit_was_raised() {
        let held = HeldDeletes { deletes: 40, rows_when_held: 100, nothing_listed: false };
        let of_nothing = HeldDeletes { nothing_listed: true, ..held };
        for (name, held, limit, for_this_run, expected) in [
            ("nothing is held", None, 30, None, (None, false, false)),
            ("it stays held", Some(held), 30, None, (None, false, false)),
            ("asked for", Some(held), 30, Some(1), (Some(100), false, true)),
            ("raised", Some(held), 40, None, (Some(100), false, true)),
            ("raised, and nothing was listed", Some(of_nothing), 40, None, (None, false, false)),
            ("asked for, and nothing was listed", Some(of_nothing), 30, Some(1), (Some(100), true, true)),
        ] {
            let guard = Guard::of_cycle(held, None, allowance(MaxDelete::Percent(limit), for_this_run));
            assert_eq!((guard.rows_before, guard.nothing_listed, guard.judge_held_again), expected, "{name}");
        }
        let cut_off = Guard::of_cycle(None, Some(7), allowance(MaxDelete::Percent(50), None));
        assert_eq!(cut_off.rows_before, Some(7), "a listing that no guard has seen");
    }

    proptest! {
        #[test]
        fn new_files_never_release_held_deletes(
            (rows, more, deletes) in (0..1000_u64, 0..1000_u64, 1..1000_u64),
            nothing_listed: bool,
        ) {
            let first = Guard::of_listing(rows, nothing_listed).hold(deletes, rows, None);
            let cycle = Guard::of_cycle(None, None, allowance(MaxDelete::Percent(50), None));
            let second = cycle.hold(deletes + 1, rows + more, Some(first));
            prop_assert!(second.rows_when_held <= first.rows_when_held && (second.nothing_listed || !first.nothing_listed));
            let again = Guard::of_cycle(Some(second), None, allowance(MaxDelete::Percent(50), Some(0)));
            let limit = if nothing_listed { 0 } else { MaxDelete::Percent(50).limit(rows) };
            let sent = deletes < again.allowed(rows + more, allowance(MaxDelete::Percent(50), Some(0)));
            prop_assert_eq!(sent, deletes < limit);
        }

        #[test]
        fn no_more_than_allowed_is_ever_sent(
            (rows, said) in (0..1000_u64, proptest::option::of(0..1000_u64)),
            percent in 0..=100_u8,
            nothing_listed: bool,
        ) {
            let allowance = allowance(MaxDelete::Percent(percent), said);
            let most = if nothing_listed { 0 } else { allowance.max_delete.limit(rows) }.max(said.unwrap_or(0));
            let allowed = Guard::of_listing(rows, nothing_listed).allowed(rows, allowance);
            prop_assert_eq!(allowed, most);
        }
    }
}
