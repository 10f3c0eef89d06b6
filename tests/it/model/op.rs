//! What happens in a history: to the bucket, to the endpoints, to the process. Small plain values: a history is a list of them
//! that prints itself as the source of a test.

use s3_sync::plan::{PermissionSupport, Renames};
use s3_sync::state::RunKind;

/// Something that happens. All numbers count from the beginning of the next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// The bucket changes between two runs.
    Change(Change),
    /// Trouble in the next run, at this point of it: a call begins or has been answered, a commit is about to be or was made.
    At(u16, Trouble),
    /// An event is published, true or not.
    Publish(Publication),
    /// A hundred events of one kind at once: a feed that serves no more than that has lost what it served before.
    Flood,
    /// The notifications that wait are received, and no run begins.
    Receive,
    /// One run, with as many deletes allowed as this.
    Run(RunKind, Option<u64>),
    /// The process is killed while it is idle.
    Kill,
    /// The clock goes on.
    Wait {
        /// So far.
        minutes: u16,
    },
    /// The database is copied away. The process is stopped for it.
    Backup,
    /// The process is stopped, and the copy put in the place of the database.
    Restore,
    /// Something happens to the sink of this number while no run goes on: 0 is the file manager, 1 the second sink, if there is one.
    Sink(usize, Fate),
}

/// What happens to a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Until it turns again, its calls end like this.
    Turns(Condition),
    /// Its keeper makes a copy of it.
    Copied,
    /// Its content goes back to the last copy, and without one to nothing. The state does not know.
    SetBack,
    /// The process is stopped, and the operator starts it with `--new-sink`.
    New,
}

/// How the calls of a sink end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Answers.
    Up,
    /// Nothing listens.
    Unreachable,
    /// 503.
    Failing,
    /// No answer until the deadline.
    Hanging,
}

/// Something happens to the bucket. Keys are indices of [`KEYS`]; equal content numbers are equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// An object, new or in the place of another.
    Put(usize, u8),
    /// The object goes, if it is there.
    Delete(usize),
    /// Copy and delete.
    Rename(usize, usize),
    /// The bucket cannot be found.
    Gone,
    /// It is found again, with its objects.
    Back,
    /// It is made again, empty.
    Emptied,
}

impl Change {
    /// The keys that it names.
    pub(crate) fn keys(self) -> Vec<usize> {
        match self {
            Self::Put(key, _) | Self::Delete(key) => vec![key],
            Self::Rename(from, to) => vec![from, to],
            Self::Gone | Self::Back | Self::Emptied => Vec::new(),
        }
    }
}

/// A published event. Whether it is true, and how often it is published, is not said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) what: ModelEvent,
    /// How many seconds ago it is said to have happened; `None` = it carries no time.
    pub(crate) ago: Option<u16>,
    /// By a notification, if the queue has one for it; else by the feed.
    pub(crate) notified: bool,
}

/// What is said to have happened. Permissions are numbers, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelEvent {
    Create(usize),
    /// Created, with these permissions.
    CreateWith(usize, u8),
    Delete(usize),
    Rename(usize, usize),
    Permissions(usize, u8),
    Owner(usize, u8),
}

impl ModelEvent {
    /// The keys that it names.
    pub(crate) fn keys(self) -> Vec<usize> {
        match self {
            Self::Create(key) | Self::CreateWith(key, _) | Self::Delete(key) | Self::Permissions(key, _) | Self::Owner(key, _) => vec![key],
            Self::Rename(from, to) => vec![from, to],
        }
    }

    /// A rename of a path onto itself says nothing.
    pub(crate) fn has_effect(self) -> bool {
        !matches!(self, Self::Rename(from, to) if from == to)
    }
}

/// Something goes wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The bucket changes just then.
    Change(Change),
    /// An event is published just then.
    Publish(Publication),
    /// The next call of the bucket meets this.
    S3(S3Trouble),
    /// The next call of the APIs meets this.
    Api(ApiTrouble),
    /// The next call of the second sink meets this.
    Second(ApiTrouble),
    /// The process dies there.
    Crash,
    /// The operator stops the run in an orderly way.
    Stop,
}

/// What a call of the bucket meets. What it has no use for (a short body of a HEAD) passes without a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum S3Trouble {
    Server,
    Throttled,
    Timeout,
    Unreachable,
    AccessDenied,
    ShortBody,
    BrokenBody,
    WrongByte,
    LongBody,
    NoETags,
}

/// What a call of the APIs meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiTrouble {
    /// No effect; 503 with `Retry-After`.
    Busy,
    /// No effect; the connection breaks.
    Reset,
    /// No effect; no answer.
    Timeout,
    /// No effect; no server listens.
    Unreachable,
    /// No effect; 400.
    Refused,
    /// The effect; then the connection breaks.
    EffectThenReset,
    /// The effect; then 500.
    EffectThenServerError,
    /// The effect; then nothing.
    EffectThenTimeout,
    /// The effect; then something that is no answer.
    EffectThenBadAnswer,
}

/// The keys of every history: two directories, a name that begins another, and one that needs care on the wire.
pub(crate) const KEYS: [&str; 6] = ["a", "a b+c", "d/a", "d/b", "d/é.txt", "e.pdf"];

/// What holds for all of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Decides how long each call takes.
    pub(crate) seed: u64,
    /// Keys in a listing page.
    pub(crate) page_keys: u16,
    /// Operations at a time.
    pub(crate) concurrency: usize,
    /// Attempts of one call.
    pub(crate) attempts: usize,
    /// The guard: so many deletes in one run.
    pub(crate) max_delete: u64,
    /// Only keys that begin with this.
    pub(crate) prefix: &'static str,
    /// Not every store does.
    pub(crate) honours_if_match: bool,
    /// Whether the feed has a cursor; else it serves the same list for ever.
    pub(crate) cursor: bool,
    /// A second sink.
    pub(crate) second: Option<Second>,
}

/// What the second sink can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Second {
    pub(crate) permissions: PermissionSupport,
    pub(crate) renames: Renames,
    /// Calls at a time.
    pub(crate) connections: usize,
}

/// A history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) setup: Setup,
    pub(crate) ops: Vec<Op>,
}
