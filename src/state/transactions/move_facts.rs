//! All that is known of files on their way, read for many of them in a few statements.

use crate::plan::Moving;
use crate::plan::fold::{Lineage, MoveOrigin};
use crate::record::{ObjectKey, PathState};
use crate::state::error::StateError;
use crate::state::tables::intents::{self, Intent};
use crate::state::tables::sinks::RegisteredSink;
use crate::state::tables::{lineage, pending, sides};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// A file on its way to another path.
#[derive(Clone, Debug)]
pub struct Move {
    /// Both paths, and all that is known of them.
    pub moving: Moving,
    /// The rename or the move, if it was sent before and has no outcome.
    pub intent: Option<Intent>,
    /// Failed runs so far.
    pub attempts: u32,
    /// The number of failed lookups of one of the two paths.
    pub failed_lookups: u32,
}

impl Move {
    /// The path under which the sink may have the file.
    pub fn origin(&self) -> &ObjectKey {
        &self.moving.origin.0
    }

    /// The path where it is said to be now.
    pub fn target(&self) -> &ObjectKey {
        &self.moving.target.0
    }
}

/// What is known of the two paths of each of some moves.
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

    /// A hint is gone: its target is no more left by a file on its way.
    pub(crate) fn drop_hint(&mut self, target: &ObjectKey) {
        self.hints.remove(target);
    }

    /// The move to a target, one of those that were read.
    pub(crate) fn of(&self, target: ObjectKey, move_origin: MoveOrigin) -> Move {
        let origin = move_origin.origin;
        let intent = self.open.iter().find(|open| open.path == origin && open.new_path.as_ref() == Some(&target)).cloned();
        let ends = |path: &ObjectKey| *path == origin || *path == target;
        // The file at the target, when it is on its way itself, is what is waited for.
        let leaves = |open: &Intent| {
            let hint = open.new_path.as_ref().and_then(|new_path| self.hints.get(new_path));
            open.path == target && hint.is_some_and(|hint| hint.origin == target)
        };
        let open = self.open.iter().filter(|open| (ends(&open.path) || open.new_path.as_ref().is_some_and(ends)) && !leaves(open)).count();
        let sides = |path: &ObjectKey| self.sides.get(path).cloned().unwrap_or_default();
        let attempts = [&origin, &target].into_iter().filter_map(|path| self.attempts.get(path.as_str())).max();
        Move {
            attempts: attempts.copied().unwrap_or_default(),
            failed_lookups: move_origin.failed_lookups,
            moving: Moving {
                reported: move_origin.reported_at.is_some(),
                target_is_leaving: self.hints.values().any(|hint| hint.origin == target),
                in_doubt: open > usize::from(intent.is_some()),
                origin: (origin.clone(), sides(&origin)),
                target: (target.clone(), sides(&target)),
            },
            intent,
        }
    }
}
