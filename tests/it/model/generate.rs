//! A seed in, a history out.

use super::dice::Dice;
use super::op::{ApiTrouble, Change, History, KEYS, Op, S3Trouble, Setup, Trouble};
use s3_sync::state::RunKind;

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
        heeds_if_match: dice.percent(70),
    };
    // A third of the histories know no trouble: what they come to is known to the last identifier.
    let troubled = dice.percent(70);
    let length = 3 + dice.below(20);
    let mut ops = Vec::new();
    for _ in 0..length {
        if dice.percent(30) {
            if troubled {
                let troubles = dice.weighted(&[(2, 0), (3, 1), (2, 2), (1, 3)]);
                ops.extend((0..troubles).map(|_| trouble(&mut dice)));
            }
            ops.push(run(&mut dice));
        } else {
            ops.push(op(&mut dice, troubled));
        }
    }
    History { setup, ops }
}

fn run(dice: &mut Dice) -> Op {
    let kind = dice.one_of(&[RunKind::Initial, RunKind::Reconcile]);
    Op::Run(kind, dice.weighted(&[(3, None), (1, Some(1)), (1, Some(100))]))
}

fn op(dice: &mut Dice, troubled: bool) -> Op {
    let calm = dice.weighted(&[(8, true), (2, false)]);
    if calm || !troubled {
        return Op::Change(object(dice));
    }
    match dice.below(7) {
        0 => Op::Change(Change::Gone),
        1 => Op::Change(Change::Back),
        2 => Op::Kill,
        3 => Op::Wait { minutes: dice.one_of(&[1, 30, 600]) },
        4 => Op::Backup,
        5 => Op::Restore,
        _ => Op::Change(Change::Emptied),
    }
}

fn object(dice: &mut Dice) -> Change {
    let key = key(dice);
    match dice.below(10) {
        0..=4 => Change::Put(key, content(dice)),
        5..=7 => Change::Delete(key),
        _ => Change::Rename(key, self::key(dice)),
    }
}

fn trouble(dice: &mut Dice) -> Op {
    // Most runs have some dozens of points.
    let at = u16::try_from(if dice.percent(80) { dice.below(60) } else { dice.below(200) }).expect("a small number");
    let trouble = match dice.below(10) {
        0..=2 => Trouble::Crash,
        3..=5 => Trouble::Api(dice.one_of(&[
            ApiTrouble::Busy,
            ApiTrouble::Reset,
            ApiTrouble::Timeout,
            ApiTrouble::Unreachable,
            ApiTrouble::Refused,
            ApiTrouble::EffectThenReset,
            ApiTrouble::EffectThenServerError,
            ApiTrouble::EffectThenTimeout,
            ApiTrouble::EffectThenBadAnswer,
        ])),
        6..=7 => Trouble::S3(dice.one_of(&[
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
        ])),
        8 if dice.percent(20) => Trouble::Stop,
        8 if dice.percent(30) => Trouble::Change(dice.one_of(&[Change::Gone, Change::Back])),
        _ => Trouble::Change(object(dice)),
    };
    Op::At(at, trouble)
}

fn key(dice: &mut Dice) -> usize {
    usize::try_from(dice.below(KEYS.len() as u64)).expect("an index")
}

/// Few contents, so that they come back; 0 is the empty one.
fn content(dice: &mut Dice) -> u8 {
    u8::try_from(dice.below(5)).expect("a small number")
}
