//! What commands and pages read of a state, as of one moment, also beside a process that writes it. Stores nothing.

pub(crate) mod overview;

pub(crate) mod snapshot_rows;

pub(crate) mod key_report;

use crate::record::{FileRow, KnownEncodings, ObjectKey, SinkName};
use crate::state::database::connection::{self, blocking};
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::dead_letters::{self, DeadLetter};
use crate::state::tables::runs::{self, RunRow};
use crate::state::tables::{sinks, sources};
use crate::state::transactions::identity::{self, Identity, OperatorAnswer};
use key_report::KeyReport;
use overview::Overview;
use rusqlite::Connection;
use snapshot_rows::SinkSide;
use std::path::{Path, PathBuf};

/// Reads a state without writing to it. Each method opens a connection and reads in one short transaction.
#[derive(Clone, Debug)]
pub struct Views {
    database: PathBuf,
}

impl Views {
    /// Reads the state in this database file. A missing file is an error of the methods, not of this call.
    pub fn open(database: &Path) -> Self {
        Self { database: database.to_owned() }
    }

    /// Succeeds if the database is there, is one of ours, and can be read. Blocks.
    pub fn check(&self) -> Result<(), StateError> {
        connection::open_to_read(&self.database).map(drop)
    }

    /// As [`Views::check`], and the state has this sink. (A state that no run has used yet has no sink: then any name passes.)
    /// Blocks.
    pub fn check_sink(&self, name: &SinkName) -> Result<(), StateError> {
        let connection = connection::open_to_read(&self.database)?;
        let known = sinks::all_rows(&connection, sources::only(&connection)?)?;
        if known.is_empty() || known.iter().any(|row| row.name == *name) {
            return Ok(());
        }
        let known = known.iter().map(|row| row.name.as_str()).collect::<Vec<_>>().join(", ");
        Err(StateError::UnknownSink(name.clone(), known))
    }

    /// Succeeds if the database is there, is one of ours, and a writer that opens it could migrate it where needed. Blocks.
    pub fn check_migratable(&self) -> Result<(), StateError> {
        connection::can_be_brought_up_to_date(&self.database)
    }

    /// The counters and short lists of `status`.
    pub async fn overview(&self) -> Result<Overview, StateError> {
        self.read(|connection| overview::overview(connection, sources::only(connection)?)).await
    }

    /// Everything known of a path; `None` = nothing is.
    pub async fn key_report(&self, path: ObjectKey) -> Result<Option<KeyReport>, StateError> {
        self.read(move |connection| key_report::read(connection, &path)).await
    }

    /// The dead letters after this id, oldest first.
    pub async fn dead_letters(&self, after: i64, most: usize) -> Result<Vec<DeadLetter>, StateError> {
        self.read(move |connection| dead_letters::after_id(connection, after, most)).await
    }

    /// The encodings of the listed keys, as far as they are known.
    pub async fn key_encodings(&self) -> Result<Option<KnownEncodings>, StateError> {
        self.read(|connection| sources::key_encodings(connection, sources::only(connection)?)).await
    }

    /// The last reconcile that completed its listing.
    pub async fn last_reconcile(&self) -> Result<Option<RunRow>, StateError> {
        self.read(runs::last_reconcile).await
    }

    /// Why `initial-sync` would refuse this configuration, which differs from the state's identity; `None` = it would not.
    pub async fn refusal(&self, identity: Identity) -> Result<Option<String>, StateError> {
        self.read(move |connection| identity::refusal(connection, sources::only(connection)?, &identity, &OperatorAnswer::default())).await
    }

    /// Calls `visit` with every row of one side of a sink, in byte order of the keys, as of one moment; an error of `visit` ends
    /// it. Memory does not grow with the rows. Blocks: call it outside of the async workers.
    pub fn snapshot_rows<E: From<StateError>>(
        &self,
        (sink, side): (&SinkName, SinkSide),
        mut visit: impl FnMut(FileRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.at_one_moment(|connection| snapshot_rows::visit(connection, (sink, side), &mut visit))
    }

    /// As [`Views::snapshot_rows`], only the due paths, which the next run would process; not the parked, skipped and held ones.
    pub fn due_snapshot_rows<E: From<StateError>>(
        &self,
        (sink, side): (&SinkName, SinkSide),
        mut visit: impl FnMut(FileRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.at_one_moment(|connection| snapshot_rows::visit_due(connection, (sink, side), &mut visit))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let views = self.clone();
        blocking(move || views.at_one_moment(work)).await
    }

    /// Reads in one transaction. Blocks.
    fn at_one_moment<T, E: From<StateError>>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let connection = connection::open_to_read(&self.database)?;
        let moment = connection.unchecked_transaction().map_err(StateError::from)?;
        work(&moment)
    }
}

impl SinkState {
    /// Views of the whole state that this sink belongs to.
    pub fn views(&self) -> Views {
        Views::open(self.state.path())
    }
}
