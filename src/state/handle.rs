//! The handle on a state: the writer, the numbers of looks, the clock of its history. What it stores is `transactions`' concern.

use crate::clock::{Clock, SystemClock};
use crate::plan::Limits;
use crate::record::Look;
use crate::run::RunKind;
use crate::state::database::connection::{self, blocking};
#[cfg(feature = "failpoints")]
use crate::state::database::direct_writer::{self, CommitGate};
use crate::state::database::writer::Writer;
use crate::state::error::StateError;
use crate::state::tables::history::Moment;
use crate::state::tables::observed;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// The state of one source and its sinks. Cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) writer: Arc<Writer>,
    pub(crate) looks: Arc<AtomicU64>,
    pub(crate) limits: Limits,
    pub(crate) path: PathBuf,
    /// When things happen, for the history: nothing else in here asks what time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// The run that began last.
    pub(crate) run: Arc<watch::Sender<Option<(u64, RunKind)>>>,
    /// Something came into the inbox by itself: not by a feed that somebody is reading.
    pub(crate) arrivals: Arc<watch::Sender<()>>,
}

impl State {
    /// Opens the database (and makes it, mode 0600, when it is not there). The caller holds the [`InstanceLock`].
    pub async fn open(path: &Path, limits: Limits) -> Result<Self, StateError> {
        let owned = path.to_owned();
        let connection = blocking(move || connection::open_to_write(&owned)).await?;
        Self::with(Writer::start(path, connection)?, path, limits).await
    }

    /// As [`State::open`], without a thread and in the caller's own order: see [`CommitGate`].
    #[cfg(feature = "failpoints")]
    pub async fn open_in_place(path: &Path, limits: Limits, gate: Arc<dyn CommitGate>) -> Result<Self, StateError> {
        let connection = connection::open_to_write(path)?;
        Self::with(Writer::in_place(direct_writer::InPlace::new(connection, gate)), path, limits).await
    }

    async fn with(writer: Writer, path: &Path, limits: Limits) -> Result<Self, StateError> {
        let high_water = writer.call(observed::high_water).await?;
        let arrivals = Arc::new(watch::Sender::new(()));
        let (looks, run) = (Arc::new(AtomicU64::new(high_water)), Arc::new(watch::Sender::new(None)));
        Ok(Self { writer: Arc::new(writer), looks, limits, path: path.to_owned(), clock: Arc::new(SystemClock), run, arrivals })
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

    /// The number of a look that is about to begin: take it *before* the request goes out.
    pub fn next_look(&self) -> Look {
        Look(self.looks.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Changes whenever a source brought something by itself, after it is stored. (Reading a feed is somebody's own doing, and is not told.)
    pub fn arrivals(&self) -> watch::Receiver<()> {
        self.arrivals.subscribe()
    }

    /// Where the database lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
