//! The handle on a state: the writer, the lookup numbers, the clock of its history. Stored content is `transactions`' concern.

use crate::clock::{Clock, SystemClock};
use crate::plan::Policy;
use crate::record::{Observation, ObservationSeq, SinkName};
use crate::run::RunKind;
use crate::state::database::connection::{self, blocking};
#[cfg(feature = "failpoints")]
use crate::state::database::direct_writer::{self, CommitGate};
use crate::state::database::writer::Writer;
use crate::state::error::StateError;
use crate::state::tables::history::Moment;
use crate::state::tables::observed;
use crate::state::tables::sinks::{self, Sink};
use crate::state::tables::sources::{self, SourceId};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// The state of one source and its sinks. Cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) writer: Arc<Writer>,
    pub(crate) looks: Arc<AtomicU64>,
    pub(crate) source: SourceId,
    pub(crate) path: PathBuf,
    /// The clock of the history: no other code in this module reads the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The run that began last.
    pub(crate) run: Arc<watch::Sender<Option<(u64, RunKind)>>>,
    /// Notifies of events that a source brought into the inbox by itself, not by a read of the feed.
    pub(crate) arrivals: Arc<watch::Sender<()>>,
}

impl State {
    /// Opens the database (and makes it, mode 0600, when it is not there). The caller holds the [`InstanceLock`](super::InstanceLock).
    pub async fn open(path: &Path) -> Result<Self, StateError> {
        let owned = path.to_owned();
        let connection = blocking(move || connection::open_to_write(&owned)).await?;
        Self::with(Writer::start(path, connection)?, path).await
    }

    /// As [`State::open`], without a thread and in the caller's own order: see [`CommitGate`].
    #[cfg(feature = "failpoints")]
    pub async fn open_in_place(path: &Path, gate: Arc<dyn CommitGate>) -> Result<Self, StateError> {
        let connection = connection::open_to_write(path)?;
        Self::with(Writer::in_place(direct_writer::DirectWriter::new(connection, gate)), path).await
    }

    async fn with(writer: Writer, path: &Path) -> Result<Self, StateError> {
        let (high_water, source) = writer.call(|connection| Ok((observed::high_water(connection)?, sources::only(connection)?))).await?;
        let arrivals = Arc::new(watch::Sender::new(()));
        let (looks, run) = (Arc::new(AtomicU64::new(high_water)), Arc::new(watch::Sender::new(None)));
        Ok(Self { writer: Arc::new(writer), looks, source, path: path.to_owned(), clock: Arc::new(SystemClock), run, arrivals })
    }

    /// The same, with another clock for its history.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    pub(crate) fn moment(&self) -> Moment {
        let (run, initial) = self.run.borrow().map_or((0, false), |(run, kind)| (run, kind == RunKind::Initial));
        Moment { at: self.clock.now(), run, initial }
    }

    /// The number of a lookup that is about to begin: take it *before* the request goes out.
    pub fn next_look(&self) -> ObservationSeq {
        ObservationSeq(self.looks.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Changes whenever a source brought something by itself, after it is stored. A read of the feed by the caller changes nothing.
    pub fn arrivals(&self) -> watch::Receiver<()> {
        self.arrivals.subscribe()
    }

    /// The handle on one of the sinks, whose decisions follow this policy from now on. Adds a sink that is missing;
    /// [`State::identify`] checks that it may be added.
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
                    Ok(Sink { policy, ..row.sink })
                }
            })
            .await?;
        Ok(SinkState { state: self.clone(), sink, name })
    }

    /// The path of the database.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The state of one sink: its records and its pending work. Cheap to clone.
#[derive(Clone)]
pub struct SinkState {
    state: State,
    sink: Sink,
    name: SinkName,
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

    /// The state that the sink belongs to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// As [`State::next_look`].
    pub fn next_look(&self) -> ObservationSeq {
        self.state.next_look()
    }

    /// As [`State::commit_looks`]: one sink's observation is known to all sinks.
    pub async fn commit_looks(&self, looks: Vec<Observation>) -> Result<(), StateError> {
        self.state.commit_looks(looks).await
    }

    pub(crate) fn moment(&self) -> Moment {
        self.state.moment()
    }

    /// Runs a job about this sink in the writer's thread.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, Sink) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let sink = self.sink;
        self.state.writer.call(move |connection| work(connection, sink)).await
    }
}
