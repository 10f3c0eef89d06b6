//! The known facts of candidate moves, read for many of them in a few statements.

use crate::plan::Moving;
use crate::plan::fold::{Lineage, MoveOrigin};
use crate::record::{ObjectKey, PathState};
use crate::state::error::StateError;
use crate::state::tables::intents::{self, Intent};
use crate::state::tables::sinks::RegisteredSink;
use crate::state::tables::{lineage, pending, sides};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// A candidate move of a file.
#[derive(Clone, Debug)]
pub struct Move {
    /// Both paths with all known facts.
    pub moving: Moving,
    /// The open intent of the rename or move, if it was sent before.
    pub intent: Option<Intent>,
    /// Failed runs so far.
    pub attempts: u32,
    /// The number of failed lookups of one of the two paths.
    pub failed_lookups: u32,
}

impl Move {
    /// The path under which the sink may hold the file.
    pub fn origin(&self) -> &ObjectKey {
        &self.moving.origin.0
    }

    /// The path to which the file moved.
    pub fn target(&self) -> &ObjectKey {
        &self.moving.target.0
    }
}

/// The known facts of the two paths of each move of a batch.
#[derive(Default)]
pub(crate) struct MoveFacts {
    sides: BTreeMap<ObjectKey, PathState>,
    /// The effects without an outcome that name any of the paths.
    open: Vec<Intent>,
    /// The move hints that name any of the paths.
    hints: Lineage,
    /// The failed runs of the pending paths.
    attempts: BTreeMap<String, u32>,
}

impl MoveFacts {
    pub(crate) fn read<'p>(
        connection: &Connection,
        sink: RegisteredSink,
        moves: impl Iterator<Item = (&'p ObjectKey, &'p MoveOrigin)>,
    ) -> Result<Self, StateError> {
        let paths: BTreeSet<_> = moves.flat_map(|(target, move_origin)| [target, &move_origin.origin]).collect();
        if paths.is_empty() {
            return Ok(Self::default());
        }
        let views = sides::views(connection, sink, paths.iter().copied())?;
        Ok(Self {
            sides: paths.iter().map(|path| (*path).clone()).zip(views.into_iter().map(|view| view.path_state)).collect(),
            open: intents::naming_any(connection, sink, paths.iter().copied())?,
            hints: lineage::concerning(connection, sink, paths.iter().copied())?,
            attempts: pending::attempts(connection, sink, paths.iter().copied())?,
        })
    }

    /// Removes a hint, so that it no longer makes another move wait for its origin.
    pub(crate) fn drop_hint(&mut self, target: &ObjectKey) {
        self.hints.remove(target);
    }

    /// One of the moves whose facts were read.
    pub(crate) fn of(&self, target: &ObjectKey, move_origin: &MoveOrigin) -> Move {
        let origin = &move_origin.origin;
        let intent = self.open.iter().find(|open| open.path == *origin && open.new_path.as_ref() == Some(target)).cloned();
        let ends = |path: &ObjectKey| path == origin || path == target;
        // An open move away from the target does not count: this move waits for it.
        let leaves = |open: &Intent| {
            let hint = open.new_path.as_ref().and_then(|new_path| self.hints.get(new_path));
            open.path == *target && hint.is_some_and(|hint| hint.origin == *target)
        };
        let open = self.open.iter().filter(|open| (ends(&open.path) || open.new_path.as_ref().is_some_and(ends)) && !leaves(open)).count();
        let sides = |path: &ObjectKey| self.sides.get(path).cloned().unwrap_or_default();
        let attempts = [origin, target].into_iter().filter_map(|path| self.attempts.get(path.as_str())).max();
        Move {
            attempts: attempts.copied().unwrap_or_default(),
            failed_lookups: move_origin.failed_lookups,
            moving: Moving {
                reported: move_origin.reported_at.is_some(),
                target_is_leaving: self.hints.values().any(|hint| hint.origin == *target),
                in_doubt: open > usize::from(intent.is_some()),
                origin: (origin.clone(), sides(origin)),
                target: (target.clone(), sides(target)),
            },
            intent,
        }
    }
}
