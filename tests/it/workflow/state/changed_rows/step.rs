//! Random steps that change a state. Plain data.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use s3_sync::record::EventKind;
use s3_sync::state::MoveOutcome;

/// In byte order; one may be a directory marker, and two are in a directory.
pub(super) const PATHS: [&str; 6] = ["a", "b", "c", "d/", "d/e", "d/f"];
/// One of the sizes below exceeds it.
pub(super) const LARGEST: u64 = 30;

/// The result of an observation: ETag (missing in some listings) and size.
pub(super) type Found = (Option<&'static str>, u64);

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A page of a listing: its objects among the paths between the two bounds.
    Page { from: Option<usize>, to: Option<usize>, shows: Vec<Option<Found>> },
    /// An observation; `late` = it is stored after a newer one.
    Observe { path: usize, found: Option<Found>, late: bool },
    /// Events to replay, with the result of each path's lookup; the lookup of `unseen` fails.
    Replay { events: Vec<ReportedEvent>, found: Vec<Option<Found>>, unseen: Option<usize> },
    /// An operation on the path: the planned effects are started and end like this.
    Turn { path: usize, end: End, permissions: Option<&'static str> },
    /// Pairs paths, and applies one of the due moves.
    Move(MoveOutcome),
    /// A step of the guard, or one that makes paths due again.
    Waiting(Waiting),
}

/// A received event.
#[derive(Clone, Debug)]
pub(super) struct ReportedEvent {
    pub(super) kind: EventKind,
    pub(super) path: usize,
    pub(super) new_path: usize,
    pub(super) permissions: Option<&'static str>,
    pub(super) owner: Option<&'static str>,
    pub(super) time: Option<i64>,
}

/// The end of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Done,
    /// The permissions were set; the outcome of the content is unknown.
    HalfDone,
    /// No answer came: the intents stay open.
    Unknown,
    Refused,
    Doubted,
    Parked,
    SkippedArchived,
    Suspected,
    Settled,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting {
    Hold,
    LetGo,
    ReleaseAll,
    EndStaleMoves,
    /// A day passes, and tombstones are pruned.
    Prune,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let path = || 0..PATHS.len();
    let found = || {
        let etag = prop_oneof![1 => Just(None), 5 => select(vec!["x", "y"]).prop_map(Some)];
        option::weighted(0.7, (etag, select(vec![0, 3, 3, 3, 40])))
    };
    let finds = move || vec(found(), PATHS.len());
    let ends = vec![
        End::Done,
        End::Done,
        End::Done,
        End::Done,
        End::HalfDone,
        End::Unknown,
        End::Refused,
        End::Doubted,
        End::Parked,
        End::SkippedArchived,
        End::Suspected,
        End::Settled,
    ];
    let outcomes = vec![
        MoveOutcome::Done { internal_id: Some("moved".to_owned()) },
        MoveOutcome::Done { internal_id: None },
        MoveOutcome::OriginUnknown,
        MoveOutcome::TargetTaken,
        MoveOutcome::NotAMove,
    ];
    let waits = vec![Waiting::Hold, Waiting::LetGo, Waiting::ReleaseAll, Waiting::EndStaleMoves, Waiting::Prune];
    let mode = || option::of(select(vec!["0755", "755"]));
    prop_oneof![
        3 => (option::of(path()), option::of(path()), finds()).prop_map(|(from, to, shows)| Step::Page { from, to, shows }),
        3 => (path(), found(), any::<bool>()).prop_map(|(path, found, late)| Step::Observe { path, found, late }),
        4 => (vec(reported_event(), 1..4), finds(), option::weighted(0.2, path()))
            .prop_map(|(events, found, unseen)| Step::Replay { events, found, unseen }),
        8 => (path(), select(ends), mode()).prop_map(|(path, end, permissions)| Step::Turn { path, end, permissions }),
        2 => select(outcomes).prop_map(Step::Move),
        2 => select(waits).prop_map(Step::Waiting),
    ]
}

fn reported_event() -> impl Strategy<Value = ReportedEvent> {
    use EventKind::{ChangePermission, Create, Delete, Move, Rename, Touch};
    let kinds = vec![Create, Delete, Rename, Move, ChangePermission, Touch];
    let words = (option::of(select(vec!["0755", "755", "0600"])), option::of(select(vec!["ann", "bob"])));
    (select(kinds), (0..PATHS.len(), 0..PATHS.len()), words, option::of(0..20_i64))
        .prop_map(|(kind, (path, new_path), (permissions, owner), time)| ReportedEvent { kind, path, new_path, permissions, owner, time })
}
