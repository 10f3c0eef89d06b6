//! The handles on a state, one for each role; their methods are in `transactions`. A task gets only the handle of its role: the
//! listener of a queue needs the [`Inbox`], neither a source nor a sink.

use crate::clock::{Clock, SystemClock};
use crate::plan::Policy;
use crate::record::{ObservationSeq, SinkName};
use crate::run::RunKind;
use crate::state::claims::{PathClaims, SinkClaims};
use crate::state::database::connection::{self, blocking};
#[cfg(feature = "failpoints")]
use crate::state::database::direct_writer::{self, CommitGate};
use crate::state::database::ownership::{self, ObservationNumbers, Ownership};
use crate::state::database::writer::Writer;
use crate::state::error::StateError;
use crate::state::tables::history::Moment;
use crate::state::tables::sinks::{self, RegisteredSink};
use crate::state::tables::sources::{self, SourceId};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// The state of one source and its sinks: the other handles come from it. Every handle is cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) writer: Arc<Writer>,
    pub(crate) numbers: Arc<ObservationNumbers>,
    pub(crate) source: SourceId,
    pub(crate) path: Arc<Path>,
    /// The clock of the history: no other code of this module reads the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The run that began last.
    pub(crate) run: Arc<watch::Sender<Option<(u64, RunKind)>>>,
    /// Notifies of events that a queue or another channel delivered by itself. Reads of the feed do not count.
    pub(crate) arrivals: Arc<watch::Sender<()>>,
    claims: Arc<SinkClaims>,
}

impl State {
    /// Opens the database (creates it with mode 0600 if missing). The caller holds the [`InstanceLock`](super::InstanceLock).
    pub async fn open(path: &Path) -> Result<Self, StateError> {
        let owned = path.to_owned();
        let (connection, ownership, numbers) = blocking(move || open_to_own(&owned)).await?;
        Self::with(Writer::start(path, connection, ownership)?, numbers, path).await
    }

    /// As [`State::open`], without a thread and in the caller's order: see [`CommitGate`].
    #[cfg(feature = "failpoints")]
    pub async fn open_in_place(path: &Path, gate: Arc<dyn CommitGate>) -> Result<Self, StateError> {
        let (connection, ownership, numbers) = open_to_own(path)?;
        Self::with(Writer::in_place(direct_writer::DirectWriter::new(connection, ownership, gate)), numbers, path).await
    }

    /// The state over a writer that is open.
    pub(crate) async fn with(writer: Writer, numbers: ObservationNumbers, path: &Path) -> Result<Self, StateError> {
        let source = writer.call(sources::only).await?;
        Ok(Self {
            writer: Arc::new(writer),
            numbers: Arc::new(numbers),
            source,
            path: path.into(),
            clock: Arc::new(SystemClock),
            run: Arc::new(watch::Sender::new(None)),
            arrivals: Arc::new(watch::Sender::new(())),
            claims: Arc::default(),
        })
    }

    /// Replaces the clock of the history.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Runs a job that may store observation numbers on the writer's thread.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let numbers = self.numbers.clone();
        let (result, reserved) = self
            .writer
            .call(move |connection| {
                let before = connection.total_changes();
                let result = work(connection)?;
                // A job without a change has stored no number.
                let reserved = if connection.total_changes() == before { None } else { numbers.reserve(connection)? };
                Ok((result, reserved))
            })
            .await?;
        if let Some(reserved) = reserved {
            self.numbers.note_reserved(reserved);
        }
        Ok(result)
    }

    pub(crate) fn moment(&self) -> Moment {
        let (run, initial) = self.run.borrow().map_or((0, false), |(run, kind)| (run, kind == RunKind::Initial));
        Moment { at: self.clock.now(), run, initial }
    }

    /// The handle on the source.
    pub fn source(&self) -> SourceState {
        SourceState { state: self.clone() }
    }

    /// The handle on the inbox.
    pub fn inbox(&self) -> Inbox {
        Inbox { state: self.clone() }
    }

    /// The handle on the runs.
    pub fn runs(&self) -> Runs {
        Runs { state: self.clone() }
    }

    /// The handle for the removal of obsolete rows.
    pub fn maintenance(&self) -> Maintenance {
        Maintenance { state: self.clone() }
    }

    /// The handle on one sink. Sets the sink's policy for all later decisions, and adds the sink if it is missing;
    /// [`State::identify`] has checked that it may be added.
    pub async fn sink(&self, name: SinkName, policy: Policy) -> Result<SinkState, StateError> {
        let source = self.source;
        let sink = self
            .writer
            .call({
                let name = name.clone();
                move |connection| {
                    if sinks::named(connection, &name)?.is_none() {
                        sinks::add(connection, source, &name, "")?;
                    }
                    let row = sinks::named(connection, &name)?.ok_or_else(|| StateError::Corrupt(format!("no sink {name}")))?;
                    sinks::write_policy(connection, row.sink, policy)?;
                    Ok(RegisteredSink { policy, ..row.sink })
                }
            })
            .await?;
        Ok(SinkState { state: self.clone(), sink, name, claims: self.claims.of(sink.id) })
    }

    /// The path of the database.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens the database to become its owner.
pub(crate) fn open_to_own(path: &Path) -> Result<(Connection, Ownership, ObservationNumbers), StateError> {
    let connection = connection::open_to_write(path)?;
    let (ownership, numbers) = ownership::read(&connection)?;
    Ok((connection, ownership, numbers))
}

/// What the source showed: pages of its listing, observations, replayed events.
#[derive(Clone)]
pub struct SourceState {
    pub(crate) state: State,
}

impl SourceState {
    /// The number of an observation that is about to begin: take it *before* sending the request.
    pub fn observation_next(&self) -> ObservationSeq {
        self.state.numbers.next()
    }

    /// The number of the newest observation that has begun.
    pub fn observation_newest(&self) -> ObservationSeq {
        self.state.numbers.newest()
    }
}

/// What was received and is not consumed yet: events, dead letters, and how far each feed and queue was read.
#[derive(Clone)]
pub struct Inbox {
    pub(crate) state: State,
}

impl Inbox {
    /// Changes after a channel's delivery is stored. A read of the feed by the caller does not count.
    pub fn arrivals(&self) -> watch::Receiver<()> {
        self.state.arrivals.subscribe()
    }
}

/// The runs: their numbers, starts and ends.
#[derive(Clone)]
pub struct Runs {
    pub(crate) state: State,
}

/// The removal of rows that nothing refers to any more.
#[derive(Clone)]
pub struct Maintenance {
    pub(crate) state: State,
}

/// The state of one sink: its rows, its pending work, the workers' claims on its paths. Cheap to clone.
#[derive(Clone)]
pub struct SinkState {
    pub(crate) state: State,
    sink: RegisteredSink,
    name: SinkName,
    pub(crate) claims: Arc<PathClaims>,
}

impl SinkState {
    /// The sink's name.
    pub fn name(&self) -> &SinkName {
        &self.name
    }

    /// The policy that it was registered with.
    pub fn policy(&self) -> Policy {
        self.sink.policy
    }

    /// The sink's source: an observation that one sink asked for is valid for all.
    pub fn source(&self) -> SourceState {
        self.state.source()
    }

    pub(crate) fn moment(&self) -> Moment {
        self.state.moment()
    }

    /// Runs a job about this sink on the writer's thread.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, RegisteredSink) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let sink = self.sink;
        self.state.writer.call(move |connection| work(connection, sink)).await
    }
}
