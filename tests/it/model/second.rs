//! The second sink of a history, from separate dice: whether there is one, its capabilities, and the changes of both sinks.
//! Without a second sink, a history is the same as if this file did not exist.

use super::dice::Dice;
use super::op::{Condition, Fate, History, Op, Second, Trouble};
use s3_sync::plan::{PermissionSupport, Renames};

/// Half of all histories have a second sink.
pub(crate) fn joins(history: &mut History) {
    let mut dice = Dice::new(history.setup.seed ^ 0x005E_C01D_0000_0000);
    if dice.percent(50) {
        return;
    }
    history.setup.second = Some(Second {
        permissions: dice.weighted(&[(2, PermissionSupport::SetAndAsk), (1, PermissionSupport::None)]),
        renames: dice.weighted(&[(2, Renames::Any), (2, Renames::None), (1, Renames::SameDirectory)]),
        connections: dice.one_of(&[1, 2, 8]),
    });
    // If one sink has trouble and nothing else does, the other sink's result is known exactly.
    if dice.percent(50) {
        history.ops.retain(|op| !matches!(op, Op::At(..)));
    }
    for op in &mut history.ops {
        if let Op::At(at, Trouble::Api(trouble)) = *op
            && dice.percent(50)
        {
            *op = Op::At(at, Trouble::Second(trouble));
        }
    }
    // Without changes of a sink, both results are known exactly.
    if dice.percent(30) {
        return;
    }
    for _ in 0..=dice.below(2) {
        outage(&mut dice, &mut history.ops);
    }
    if dice.percent(25) {
        loss(&mut dice, &mut history.ops);
    }
    if dice.percent(10) {
        let sink = which(&mut dice);
        insert(&mut dice, &mut history.ops, 0, Op::Sink(sink, Fate::New));
    }
}

/// A sink stops answering, and usually answers again.
fn outage(dice: &mut Dice, ops: &mut Vec<Op>) {
    let sink = which(dice);
    let condition = dice.one_of(&[Condition::Unreachable, Condition::Failing, Condition::Hanging]);
    let at = insert(dice, ops, 0, Op::Sink(sink, Fate::Turns(condition)));
    if dice.percent(70) {
        insert(dice, ops, at + 1, Op::Sink(sink, Fate::Turns(Condition::Up)));
    }
}

/// A sink is reset to a copy. Usually the operator says so.
fn loss(dice: &mut Dice, ops: &mut Vec<Op>) {
    let sink = which(dice);
    let mut at = insert(dice, ops, 0, Op::Sink(sink, Fate::Copied));
    at = insert(dice, ops, at + 1, Op::Sink(sink, Fate::SetBack));
    if dice.percent(60) {
        insert(dice, ops, at + 1, Op::Sink(sink, Fate::New));
    }
}

fn which(dice: &mut Dice) -> usize {
    dice.weighted(&[(2, 1), (1, 0)])
}

/// Inserts it at a random position from there on, and returns the position.
fn insert(dice: &mut Dice, ops: &mut Vec<Op>, from: usize, op: Op) -> usize {
    let places = (ops.len() + 1).saturating_sub(from).max(1);
    let at = (from + usize::try_from(dice.below(places as u64)).expect("an index")).min(ops.len());
    ops.insert(at, op);
    at
}
