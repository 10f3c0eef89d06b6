//! A seed in, a history out.

use super::dice::Dice;
use super::op::{ApiTrouble, Change, History, KEYS, Op, S3Trouble, Setup, Tell, Told, Trouble};
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
        cursor: dice.percent(30),
    };
    // A third of the histories know no trouble: what they come to is known to the last identifier.
    let troubled = dice.percent(70);
    let length = 3 + dice.below(20);
    let (mut ops, mut late) = (Vec::new(), Vec::new());
    for _ in 0..length {
        if dice.percent(30) {
            if troubled {
                let strikes = dice.weighted(&[(1, 0), (3, 1), (3, 2), (2, 4)]);
                ops.extend((0..strikes).map(|_| trouble(&mut dice)));
            }
            ops.push(run(&mut dice));
            continue;
        }
        let op = op(&mut dice, troubled);
        ops.push(op);
        if let Op::Change(change) = op {
            told(&mut dice, change, &mut late, &mut ops);
        }
        if dice.percent(20) {
            ops.push(Op::Tell(permissions(&mut dice)));
        }
        if dice.percent(30) && !late.is_empty() {
            let at = usize::try_from(dice.below(late.len() as u64)).expect("an index");
            ops.push(Op::Tell(late.remove(at)));
        }
    }
    if troubled && dice.percent(25) {
        let mut place = |from: usize| from + usize::try_from(dice.below((ops.len() - from) as u64 + 1)).expect("an index");
        let backup = place(0);
        let restore = place(backup);
        ops.insert(restore, Op::Restore);
        ops.insert(backup, Op::Backup);
    }
    History { setup, ops }
}

fn run(dice: &mut Dice) -> Op {
    let kind = dice.weighted(&[(6, RunKind::Incremental), (1, RunKind::Initial), (2, RunKind::Reconcile)]);
    Op::Run(kind, dice.weighted(&[(3, None), (1, Some(1)), (1, Some(100))]))
}

fn op(dice: &mut Dice, troubled: bool) -> Op {
    let calm = dice.weighted(&[(8, true), (2, false)]);
    if calm || !troubled {
        return Op::Change(object(dice));
    }
    match dice.below(10) {
        0 => Op::Change(Change::Gone),
        1 => Op::Change(Change::Back),
        2 => dice.weighted(&[(2, Op::Kill), (4, Op::Receive), (1, Op::Flood)]),
        3 => Op::Wait { minutes: dice.one_of(&[1, 30, 600]) },
        4 | 5 => Op::Backup,
        6..=8 => Op::Restore,
        _ => Op::Change(Change::Emptied),
    }
}

/// What is told of a change: the truth, twice, later than something else, nothing, or something that is not so.
fn told(dice: &mut Dice, change: Change, late: &mut Vec<Tell>, ops: &mut Vec<Op>) {
    let what = match change {
        _ if dice.percent(4) => Told::Rename(key(dice), key(dice)),
        _ if dice.percent(4) => Told::Delete(key(dice)),
        Change::Put(key, _) if dice.percent(20) => Told::CreateWith(key, mode(dice)),
        Change::Put(key, _) => Told::Create(key),
        Change::Delete(key) => Told::Delete(key),
        Change::Rename(from, to) => Told::Rename(from, to),
        Change::Gone | Change::Back | Change::Emptied => return,
    };
    let tell = Tell { what, ago: Some(0), notified: dice.percent(40) };
    // Notifications know no renames: two keys, in any order.
    let tells = match (what, tell.notified) {
        (Told::Rename(from, to), true) if dice.percent(50) => vec![Told::Create(to), Told::Delete(from)],
        (Told::Rename(from, to), true) => vec![Told::Delete(from), Told::Create(to)],
        _ => vec![what],
    };
    for what in tells {
        let tell = Tell { what, ..tell };
        match dice.below(10) {
            0..=5 => ops.push(Op::Tell(tell)),
            6 => ops.extend([Op::Tell(tell); 2]),
            7 | 8 => late.push(Tell { ago: dice.weighted(&[(4, Some(5)), (1, Some(0)), (1, Some(60)), (1, None)]), ..tell }),
            _ => {}
        }
    }
}

fn permissions(dice: &mut Dice) -> Tell {
    let (key, mode) = (key(dice), mode(dice));
    let what = if dice.percent(80) { Told::Permissions(key, mode) } else { Told::Owner(key, mode) };
    Tell { what, ago: dice.weighted(&[(8, Some(0)), (1, Some(3)), (1, None)]), notified: false }
}

fn mode(dice: &mut Dice) -> u8 {
    u8::try_from(dice.below(3)).expect("a small number")
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
        8 => Trouble::Tell(permissions(dice)),
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
