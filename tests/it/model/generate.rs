//! Generates a history from a seed.

use super::dice::Dice;
use super::op::{ApiTrouble, Change, History, KEYS, Lie, ModelEvent, Op, Publication, S3Trouble, Setup, Trouble, WrittenAs};
use super::second;
use s3_sync::state::RunKind;
use std::collections::BTreeSet;

/// The history of a seed.
pub(crate) fn history(seed: u64) -> History {
    let mut dice = Dice::new(seed);
    let setup = Setup {
        seed,
        page_keys: dice.one_of(&[1, 2, 3, 1000]),
        concurrency: dice.one_of(&[1, 2, 4]),
        attempts: dice.one_of(&[1, 2, 3]),
        max_delete: dice.one_of(&[0, 1, 2, 100, 100]),
        prefix: dice.weighted(&[(5, ""), (1, "d/")]),
        honours_if_match: dice.percent(60),
        lists_in_order: dice.percent(85),
        written_keys: dice.weighted(&[(8, WrittenAs::Certain), (1, WrittenAs::Plain), (1, WrittenAs::Encoded)]),
        cursor: dice.percent(30),
        second: None,
    };
    // Few keys, so that events concern the same key more often.
    let mut keys: Vec<_> = (0..KEYS.len()).collect();
    for _ in 0..dice.weighted(&[(2, 4), (3, 3), (2, 2), (2, 0)]) {
        keys.swap_remove(index(&mut dice, keys.len()));
    }
    // A third of the histories have no trouble: their result is known exactly, ids included.
    let troubled = dice.percent(70);
    let mut author = Author { dice, keys, troubled, there: BTreeSet::new(), ops: Vec::new(), late: Vec::new() };
    author.write();
    let mut history = History { setup, ops: author.ops };
    second::joins(&mut history);
    history
}

/// A history under construction.
struct Author {
    dice: Dice,
    /// The keys that it uses.
    keys: Vec<usize>,
    troubled: bool,
    /// The keys with an object.
    there: BTreeSet<usize>,
    ops: Vec<Op>,
    /// Events that will be published later.
    late: Vec<Publication>,
}

impl Author {
    fn write(&mut self) {
        for _ in 0..3 + self.dice.below(20) {
            match self.dice.below(100) {
                0..=29 => self.run(),
                30..=37 => self.receive(),
                38..=46 if self.troubled => self.event(),
                _ => self.change(),
            }
            if self.dice.percent(20) {
                let publication = self.permissions();
                self.ops.push(Op::Publish(publication));
            }
            if self.dice.percent(30) && !self.late.is_empty() {
                let at = index(&mut self.dice, self.late.len());
                let publication = self.late.remove(at);
                self.ops.push(Op::Publish(publication));
            }
        }
        // A backup is needed only for a restore.
        let backed_up = self.ops.iter().position(|op| *op == Op::Backup);
        if let Some(backed_up) = backed_up.filter(|_| !self.ops.contains(&Op::Restore)) {
            let later = backed_up + 1 + index(&mut self.dice, self.ops.len() - backed_up);
            self.ops.insert(later, Op::Restore);
        }
    }

    fn run(&mut self) {
        if self.troubled {
            if self.dice.percent(25) {
                self.wait();
            }
            let strikes = self.dice.weighted(&[(1, 0), (3, 1), (3, 2), (2, 4)]);
            (0..strikes).for_each(|_| self.trouble());
        }
        let crashes = matches!(self.ops.last(), Some(Op::At(_, Trouble::Crash)));
        let kind = self.dice.weighted(&[(6, RunKind::Incremental), (1, RunKind::Initial), (2, RunKind::Reconcile)]);
        let allowed = self.dice.weighted(&[(3, None), (1, Some(1)), (1, Some(100))]);
        self.ops.push(Op::Run(kind, allowed));
        if crashes && self.dice.percent(20) {
            self.ops.push(Op::Backup);
        }
    }

    fn receive(&mut self) {
        if self.troubled && self.dice.percent(40) {
            let at = small(&mut self.dice, 12);
            self.ops.push(Op::At(at, Trouble::Crash));
        }
        self.ops.push(Op::Receive);
    }

    fn event(&mut self) {
        let op = match self.dice.below(10) {
            0 => Op::Change(Change::Gone),
            1 => Op::Change(Change::Back),
            2 => self.dice.weighted(&[(2, Op::Kill), (1, Op::Flood)]),
            3 | 4 => return self.wait(),
            5 | 6 => Op::Backup,
            7 | 8 => Op::Restore,
            _ => {
                self.there.clear();
                Op::Change(Change::Emptied)
            }
        };
        self.ops.push(op);
    }

    fn wait(&mut self) {
        let minutes = self.dice.one_of(&[1, 30, 600]);
        self.ops.push(Op::Wait { minutes });
    }

    fn change(&mut self) {
        let change = self.object();
        self.ops.push(Op::Change(change));
        self.publish(change);
    }

    /// Publishes a change: correctly, twice, later than another event, not at all, or wrongly.
    fn publish(&mut self, change: Change) {
        let what = match change {
            _ if self.dice.percent(4) => ModelEvent::Rename(self.key(), self.key()),
            _ if self.dice.percent(4) => ModelEvent::Delete(self.key()),
            Change::Put(key, _) if self.dice.percent(20) => ModelEvent::CreateWith(key, self.mode()),
            Change::Put(key, _) => ModelEvent::Create(key),
            Change::Delete(key) => ModelEvent::Delete(key),
            Change::Rename(from, to) => ModelEvent::Rename(from, to),
            Change::Gone | Change::Back | Change::Emptied => return,
        };
        let publication = Publication { what, ago: Some(0), notified: self.dice.percent(40) };
        // Notifications report a rename as two keys, in any order.
        let events = match (what, publication.notified) {
            (ModelEvent::Rename(from, to), true) if self.dice.percent(50) => vec![ModelEvent::Create(to), ModelEvent::Delete(from)],
            (ModelEvent::Rename(from, to), true) => vec![ModelEvent::Delete(from), ModelEvent::Create(to)],
            _ => vec![what],
        };
        for what in events {
            let publication = Publication { what, ..publication };
            match self.dice.below(10) {
                0..=5 => self.ops.push(Op::Publish(publication)),
                6 => self.ops.extend([Op::Publish(publication); 2]),
                7 | 8 => {
                    let ago = self.dice.weighted(&[(4, Some(5)), (1, Some(0)), (1, Some(60)), (1, None)]);
                    self.late.push(Publication { ago, ..publication });
                }
                _ => {}
            }
        }
    }

    fn permissions(&mut self) -> Publication {
        let (key, mode) = (self.key(), self.mode());
        let what = if self.dice.percent(80) { ModelEvent::Permissions(key, mode) } else { ModelEvent::Owner(key, mode) };
        Publication { what, ago: self.dice.weighted(&[(7, Some(0)), (1, Some(3)), (1, Some(10)), (1, None)]), notified: false }
    }

    fn object(&mut self) -> Change {
        let change = match self.dice.below(10) {
            0..=4 => Change::Put(self.key(), self.content()),
            5..=7 => Change::Delete(self.key_of_an_object()),
            _ => Change::Rename(self.key_of_an_object(), self.key()),
        };
        match change {
            Change::Put(key, _) => drop(self.there.insert(key)),
            Change::Delete(key) => drop(self.there.remove(&key)),
            Change::Rename(from, to) if self.there.remove(&from) => drop(self.there.insert(to)),
            _ => {}
        }
        change
    }

    fn trouble(&mut self) {
        // Most runs have a few dozen points.
        let most = if self.dice.percent(80) { 60 } else { 200 };
        let at = small(&mut self.dice, most);
        let trouble = match self.dice.below(11) {
            0..=2 => Trouble::Crash,
            3..=5 => {
                // A call without an answer followed by a refusal differs from either alone.
                if self.dice.percent(30) {
                    let first = self.dice.one_of(&API_TROUBLES);
                    self.ops.push(Op::At(at, Trouble::Api(first)));
                }
                Trouble::Api(self.dice.one_of(&API_TROUBLES))
            }
            6 if self.dice.percent(60) => Trouble::Listing(self.lie()),
            6 | 7 => Trouble::S3(self.dice.one_of(&S3_TROUBLES)),
            8 if self.dice.percent(20) => Trouble::Stop,
            8 if self.dice.percent(30) => Trouble::Change(self.dice.one_of(&[Change::Gone, Change::Back])),
            8 => Trouble::Publish(self.permissions()),
            _ => Trouble::Change(self.object()),
        };
        self.ops.push(Op::At(at, trouble));
    }

    fn lie(&mut self) -> Lie {
        let key = self.key();
        self.dice.one_of(&[Lie::EndsEarly, Lie::Hides, Lie::Shows(key), Lie::Shows(key)])
    }

    fn key(&mut self) -> usize {
        self.dice.one_of(&self.keys)
    }

    /// A key that has an object, if there is one.
    fn key_of_an_object(&mut self) -> usize {
        let there: Vec<_> = self.there.iter().copied().collect();
        if there.is_empty() || self.dice.percent(20) { self.key() } else { self.dice.one_of(&there) }
    }

    fn mode(&mut self) -> u8 {
        u8::try_from(self.dice.below(3)).expect("a small number")
    }

    /// One of few contents, so that they recur; 0 is empty.
    fn content(&mut self) -> u8 {
        u8::try_from(self.dice.below(5)).expect("a small number")
    }
}

const API_TROUBLES: [ApiTrouble; 9] = [
    ApiTrouble::Busy,
    ApiTrouble::Reset,
    ApiTrouble::Timeout,
    ApiTrouble::Unreachable,
    ApiTrouble::Refused,
    ApiTrouble::EffectThenReset,
    ApiTrouble::EffectThenServerError,
    ApiTrouble::EffectThenTimeout,
    ApiTrouble::EffectThenBadAnswer,
];

const S3_TROUBLES: [S3Trouble; 10] = [
    S3Trouble::Server,
    S3Trouble::Throttled,
    S3Trouble::Timeout,
    S3Trouble::Unreachable,
    S3Trouble::AccessDenied,
    S3Trouble::ShortBody,
    S3Trouble::BrokenBody,
    S3Trouble::WrongByte,
    S3Trouble::LongBody,
    S3Trouble::NoETags,
];

fn index(dice: &mut Dice, length: usize) -> usize {
    usize::try_from(dice.below(length as u64)).expect("an index")
}

fn small(dice: &mut Dice, below: u64) -> u16 {
    u16::try_from(dice.below(below)).expect("a small number")
}
