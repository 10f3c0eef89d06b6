//! What can happen to a state, by chance. It does nothing itself.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use s3_sync::record::EventKind;
use s3_sync::state::MoveOutcome;

/// In the order of their bytes; one that may be a directory marker, and two directories.
pub(super) const PATHS: [&str; 6] = ["a", "b", "c", "d/", "d/e", "d/f"];
/// One of the sizes below is above it.
pub(super) const LARGEST: u64 = 30;

/// What an observation finds: its ETag (a listing may come without) and its size.
pub(super) type Found = (Option<&'static str>, u64);

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A page of a listing: what it shows of each path between the two.
    Page { from: Option<usize>, to: Option<usize>, shows: Vec<Option<Found>> },
    /// An observation, or one that is stored after a newer one.
    Observe { path: usize, found: Option<Found>, late: bool },
    /// Events that are replayed, and what the lookups of each path find; one of the paths cannot be looked up.
    Replay { events: Vec<ReportedEvent>, found: Vec<Option<Found>>, unseen: Option<usize> },
    /// The path's turn: what is decided is begun, and ends like this.
    Turn { path: usize, end: End, permissions: Option<&'static str> },
    /// Paths are paired, and the turn of one of those that went elsewhere comes.
    Move(MoveOutcome),
    /// The guard, and what makes things due again.
    Waiting(Waiting),
}

/// An event of a source.
#[derive(Clone, Debug)]
pub(super) struct ReportedEvent {
    pub(super) kind: EventKind,
    pub(super) path: usize,
    pub(super) new_path: usize,
    pub(super) permissions: Option<&'static str>,
    pub(super) owner: Option<&'static str>,
    pub(super) time: Option<i64>,
}

/// How an operation ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Done,
    /// The permissions were set; of the content nothing is known.
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
    /// A day passes, and tombstones go.
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
