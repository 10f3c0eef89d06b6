//! The operations of a history: changes of the bucket, the endpoints and the process. Plain values, so that a history can be
//! printed as the source of a test.

use s3_sync::plan::{PermissionSupport, Renames};
use s3_sync::state::RunKind;

/// One operation. All points count from the beginning of the next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// The bucket changes between two runs.
    Change(Change),
    /// Trouble at this point of the next run. A point is the beginning of a call, its answer, or the moment before or after a
    /// commit.
    At(u16, Trouble),
    /// An event is published, correct or not.
    Publish(Publication),
    /// A hundred events of one kind at once: the feed serves a hundred at most, so it loses the earlier ones.
    Flood,
    /// The waiting notifications are received without a run.
    Receive,
    /// One run with this many allowed deletes.
    Run(RunKind, Option<u64>),
    /// The process is killed while it is idle.
    Kill,
    /// The clock advances.
    Wait {
        /// By this much.
        minutes: u16,
    },
    /// The process is stopped, and the database is copied.
    Backup,
    /// The process is stopped, and the copy replaces the database.
    Restore,
    /// A sink changes between two runs: 0 is the file manager, 1 the second sink, if there is one.
    Sink(usize, Fate),
}

/// A change of a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// From now on its calls end like this.
    Turns(Condition),
    /// A copy of its files is made.
    Copied,
    /// Its files are reset to the last copy, or removed if there is none. The state does not know.
    SetBack,
    /// The process is stopped, and started again with `--new-sink`.
    New,
}

/// How calls of a sink end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// They succeed.
    Up,
    /// The connection is refused.
    Unreachable,
    /// 503.
    Failing,
    /// No answer until the deadline.
    Hanging,
}

/// A change of the bucket. Keys are indices of [`KEYS`]; equal content numbers mean equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Creates or replaces an object.
    Put(usize, u8),
    /// Deletes the object if it exists.
    Delete(usize),
    /// Copies and deletes.
    Rename(usize, usize),
    /// The bucket disappears.
    Gone,
    /// The bucket is back, with its objects.
    Back,
    /// The bucket is created again, empty.
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

/// A published event. Whether it is correct, and how often it is published, is decided elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) what: ModelEvent,
    /// The age of the event's time in seconds; `None` = it has no time.
    pub(crate) ago: Option<u16>,
    /// True if it is sent as a notification, if notifications have such an event; otherwise by the feed.
    pub(crate) notified: bool,
}

/// The reported change. Permissions are numbers, too.
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

    /// False for a rename of a path onto itself, which is ignored.
    pub(crate) fn has_effect(self) -> bool {
        !matches!(self, Self::Rename(from, to) if from == to)
    }
}

/// Trouble during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The bucket changes at this moment.
    Change(Change),
    /// An event is published at this moment.
    Publish(Publication),
    /// The next call of the bucket meets this trouble.
    S3(S3Trouble),
    /// The next page of a listing is wrong.
    Listing(Lie),
    /// The next call of the APIs meets this trouble.
    Api(ApiTrouble),
    /// The next call of the second sink meets this trouble.
    Second(ApiTrouble),
    /// The process is killed.
    Crash,
    /// The operator stops the run.
    Stop,
}

/// Trouble of a bucket's call. Trouble that does not apply (a short body of a HEAD) has no effect.
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

/// How a page of a listing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// It is said to be the last page, and lacks its last object.
    EndsEarly,
    /// One of its objects is left out.
    Hides,
    /// It shows an object of this key that does not exist, or another content of one that does.
    Shows(usize),
}

/// Trouble of an API call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiTrouble {
    /// No effect; 503 with `Retry-After`.
    Busy,
    /// No effect; the connection breaks.
    Reset,
    /// No effect; no answer.
    Timeout,
    /// No effect; the connection is refused.
    Unreachable,
    /// No effect; 400.
    Refused,
    /// The effect; then the connection breaks.
    EffectThenReset,
    /// The effect; then 500.
    EffectThenServerError,
    /// The effect; then no answer.
    EffectThenTimeout,
    /// The effect; then an invalid answer.
    EffectThenBadAnswer,
}

/// The keys of every history: two directories, a name that is a prefix of another, and one with special characters.
pub(crate) const KEYS: [&str; 6] = ["a", "a b+c", "d/a", "d/b", "d/é.txt", "e.pdf"];

/// The settings of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Determines the duration of each call.
    pub(crate) seed: u64,
    /// Keys in a listing page.
    pub(crate) page_keys: u16,
    /// Concurrent operations.
    pub(crate) concurrency: usize,
    /// Attempts of one call.
    pub(crate) attempts: usize,
    /// The guard's limit of deletes in one run.
    pub(crate) max_delete: u64,
    /// Only keys with this prefix.
    pub(crate) prefix: &'static str,
    /// False for stores that ignore `If-Match`.
    pub(crate) honours_if_match: bool,
    /// False for stores that list each page in the opposite order.
    pub(crate) lists_in_order: bool,
    /// How the store writes the keys of its listings.
    pub(crate) written_keys: WrittenAs,
    /// True if the feed has a cursor; otherwise it serves the same list for ever.
    pub(crate) cursor: bool,
    /// A second sink.
    pub(crate) second: Option<Second>,
}

/// How a store writes the keys of its listings. All but the first say the opposite of what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrittenAs {
    /// So that they can be read in one way only.
    Certain,
    /// As they are, and the page says that they are encoded.
    Plain,
    /// Encoded, with `+` for a space, and the page says that they are not.
    Encoded,
}

/// The second sink's capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Second {
    pub(crate) permissions: PermissionSupport,
    pub(crate) renames: Renames,
    /// Concurrent calls.
    pub(crate) connections: usize,
}

/// A history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) setup: Setup,
    pub(crate) ops: Vec<Op>,
}
