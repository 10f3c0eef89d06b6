//! Shrinks a failing history as far as it still fails.

use super::machine::play;
use super::op::{History, Op};
use std::path::Path;

/// Removes smaller and smaller pieces and reduces numbers, until nothing more can be removed.
pub(crate) fn shrink(mut history: History, directory: &Path) -> History {
    loop {
        let before = history.clone();
        history = without_pieces(history, directory);
        history = with_smaller_numbers(history, directory);
        if history == before {
            return history;
        }
    }
}

fn breaks(history: &History, directory: &Path) -> bool {
    !play(history, directory).violations.is_empty()
}

fn without_pieces(mut history: History, directory: &Path) -> History {
    let mut piece = history.ops.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < history.ops.len() {
            let mut shorter = history.clone();
            shorter.ops.drain(at..(at + piece).min(shorter.ops.len()));
            if breaks(&shorter, directory) {
                history = shorter;
            } else {
                at += piece;
            }
        }
        if piece == 1 {
            return history;
        }
        piece = piece.div_ceil(2);
    }
}

/// Moves trouble to the earliest point where it still fails, and simplifies the setup.
fn with_smaller_numbers(mut history: History, directory: &Path) -> History {
    for at in 0..history.ops.len() {
        while let Op::At(point @ 1.., trouble) = history.ops[at] {
            let earlier = [0, point / 2, point - 1].into_iter().find_map(|point| {
                let mut changed = history.clone();
                changed.ops[at] = Op::At(point, trouble);
                breaks(&changed, directory).then_some(changed)
            });
            let Some(earlier) = earlier else { break };
            history = earlier;
        }
    }
    let setup = history.setup;
    for plainer in [
        super::op::Setup { second: None, ..setup },
        super::op::Setup { concurrency: 1, ..setup },
        super::op::Setup { page_keys: 1000, ..setup },
        super::op::Setup { attempts: 1, ..setup },
        super::op::Setup { max_delete: 100, ..setup },
        super::op::Setup { prefix: "", ..setup },
        super::op::Setup { honours_if_match: true, ..setup },
        super::op::Setup { lists_in_order: true, ..setup },
        super::op::Setup { written_keys: super::op::WrittenAs::Certain, ..setup },
        super::op::Setup { cursor: false, ..setup },
        super::op::Setup { seed: 0, ..setup },
    ] {
        let mut changed = history.clone();
        changed.setup = plainer;
        if breaks(&changed, directory) {
            return changed;
        }
    }
    history
}
