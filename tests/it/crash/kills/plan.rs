//! The plan of the kills, from a fixed seed. It limits the progress of each process, so that the work lasts for all kills on any
//! machine.

use super::super::random::Random;
use super::moment::Moment;
use super::{KILLS, OBJECTS, PAGE_KEYS, PAGES};

const SEED: u64 = 20_261_121;
/// Objects that no process may send before the last kill.
const KEPT_FOR_THE_END: usize = 5;
/// From this kill on the listing may end, so that some kills happen after its end.
const LISTING_ENDS_AFTER: usize = 160;
/// The kills before this one are in groups of ten, two of them before the first commit, which needs an unread page.
const LAST_FIRST_COMMIT: usize = 150;

/// The progress of all processes together.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    pub(super) kills: usize,
    pub(super) effects: usize,
    pub(super) pages_asked_for: usize,
}

/// The limits of one process, and the moment of its kill.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) moment: Moment,
    /// Pages that are answered. The next one hangs.
    pub(super) pages: usize,
    /// Creates that are answered. The next ones hang.
    pub(super) creates: usize,
}

/// The kinds of kills, as they are distributed.
#[derive(Clone, Copy)]
enum Card {
    FirstCommit,
    Intent,
    Outcome,
    Elsewhere,
}

pub(super) struct Plan {
    random: Random,
    cards: Vec<Card>,
}

impl Plan {
    pub(super) fn new() -> Self {
        Self { random: Random::of(SEED), cards: Vec::new() }
    }

    pub(super) fn next(&mut self, progress: Progress) -> Next {
        // One create for this kill, one for each later kill, and sometimes some of the surplus.
        let spare = OBJECTS.saturating_sub(KEPT_FOR_THE_END + progress.effects + (KILLS - progress.kills));
        let creates = 1 + self.random.below(6).min(spare);
        // The listing stays about two pages ahead of the work.
        let ahead = if progress.kills < LISTING_ENDS_AFTER { progress.effects / PAGE_KEYS + 2 } else { PAGES };
        let pages = (ahead + 1).saturating_sub(progress.pages_asked_for.max(1));
        let moment = self.moment(progress, creates);
        // A page that is read and not stored is no progress.
        let pages = if matches!(moment, Moment::BeforeFirstCommit) { pages.max(1) } else { pages };
        Next { moment, pages, creates }
    }

    /// `creates` of them will be answered: a later moment would never happen.
    fn moment(&mut self, progress: Progress, creates: usize) -> Moment {
        let listing_may_have_ended = progress.pages_asked_for >= PAGES;
        let nth = 1 + self.random.below(creates);
        match self.card(progress.kills) {
            Card::FirstCommit => Moment::BeforeFirstCommit,
            Card::Intent => Moment::BetweenIntentAndCall { nth },
            Card::Outcome => Moment::BetweenCallAndOutcome { nth },
            Card::Elsewhere => match self.random.below(5) {
                0 => Moment::Started,
                1 if !listing_may_have_ended => Moment::PageRequested,
                1 | 2 => Moment::ObjectRequested { nth },
                3 => Moment::CallReceived { nth: 1 + self.random.below(2 * creates) },
                _ => Moment::FileCreated { nth },
            },
        }
    }

    fn card(&mut self, kills: usize) -> Card {
        use Card::{Elsewhere, FirstCommit, Intent, Outcome};
        if self.cards.is_empty() {
            self.cards = if kills < LAST_FIRST_COMMIT {
                vec![FirstCommit, FirstCommit, Intent, Intent, Outcome, Outcome, Elsewhere, Elsewhere, Elsewhere, Elsewhere]
            } else {
                vec![Intent, Intent, Outcome, Outcome, Outcome, Elsewhere, Elsewhere, Elsewhere, Elsewhere, Elsewhere]
            };
        }
        let drawn = self.random.below(self.cards.len());
        self.cards.swap_remove(drawn)
    }
}
