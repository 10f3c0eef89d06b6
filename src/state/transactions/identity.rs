//! What the state describes: which bucket, and which file manager. Anything else is refused until somebody says what it means.

use crate::mutant;
use crate::state::database::connection::{blocking, open_to_read};
use crate::state::database::meta::{read_meta, write_meta};
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::restore_mark::RESTORED_AT_LOOK;
use crate::state::tables::sinks::FILE_MANAGER;
use crate::state::tables::{gap, inbox, observed, scan_progress};
use jiff::Timestamp;
use rusqlite::Connection;
use std::path::Path;

/// The names of what a state describes, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Endpoint, bucket and prefix.
    pub source: String,
    /// The file manager's address.
    pub file_manager: String,
}

/// What the operator says about a state that describes something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that may be typed beside any other")]
pub struct Answer {
    /// The same data under another name: keep everything.
    pub adopt: bool,
    /// Another bucket: forget what was observed.
    pub new_source: bool,
    /// Another file manager: forget what was applied.
    pub new_file_manager: bool,
    /// A backup was put back: nothing that was applied is certain.
    pub restored: bool,
}

const SOURCE: &str = "source";
const SINK: &str = "sink_file_manager";

impl State {
    /// Compares the state with the configuration, and does what the operator's answer means. Without an answer a
    /// difference is refused and nothing is touched.
    pub async fn identify(&self, identity: Identity, answer: Answer, now: Timestamp) -> Result<(), StateError> {
        self.writer.call(move |connection| identify(connection, &identity, answer, now)).await
    }
}

fn identify(connection: &Connection, identity: &Identity, answer: Answer, now: Timestamp) -> Result<(), StateError> {
    if let Some(refusal) = refusal(connection, identity, answer)? {
        return Err(StateError::OtherIdentity(refusal));
    }
    write_meta(connection, SOURCE, &identity.source)?;
    write_meta(connection, SINK, &identity.file_manager)?;
    if answer.new_source {
        forget_source(connection)?;
    }
    if answer.new_file_manager {
        forget_sink(connection)?;
    }
    if answer.restored {
        distrust(connection)?;
        // Whatever was heard since the backup was made is missing, too.
        gap::note_gap(connection, now)?;
    }
    Ok(())
}

/// What the state describes and the configuration does not name, and no answer covers. A side of which nothing is known
/// yet describes nothing: the first run's slip of the pen can simply be corrected.
fn refusal(connection: &Connection, identity: &Identity, answer: Answer) -> Result<Option<String>, StateError> {
    let mut refusals = Vec::new();
    let known = read_meta(connection, SOURCE)?.filter(|known| *known != identity.source);
    if let Some(known) = known.filter(|_| !answer.adopt && !answer.new_source)
        && exists(connection, "SELECT 1 FROM observed")?
    {
        refusals.push(format!(
            "this state describes the source {known}, the configuration names {}: --adopt when it is the same data under another \
             name, --new-source to list it anew",
            identity.source
        ));
    }
    let known = read_meta(connection, SINK)?.filter(|known| *known != identity.file_manager);
    if let Some(known) = known.filter(|_| !answer.adopt && !answer.new_file_manager)
        && exists(connection, "SELECT 1 FROM applied UNION ALL SELECT 1 FROM intents")?
    {
        refusals.push(format!(
            "this state describes the file manager {known}, the configuration names {}: --adopt when it is the same one under \
             another name, --new-sink file_manager to send everything to it",
            identity.file_manager
        ));
    }
    Ok((!refusals.is_empty()).then(|| refusals.join("; ")))
}

fn exists(connection: &Connection, rows: &str) -> Result<bool, StateError> {
    Ok(connection.query_row(&format!("SELECT EXISTS ({rows})"), [], |row| row.get(0))?)
}

/// What the state describes and the configuration does not name: what `initial-sync` would refuse. Only reads.
pub async fn would_refuse(database: &Path, identity: Identity) -> Result<Option<String>, StateError> {
    let database = database.to_owned();
    blocking(move || refusal(&open_to_read(&database)?, &identity, Answer::default())).await
}

/// What was observed goes; what the sink holds stays, and is compared with the new bucket. Keys that the new bucket does
/// not have are deletes, under the guard.
fn forget_source(connection: &Connection) -> Result<(), StateError> {
    connection.execute_batch("DELETE FROM observed; DELETE FROM pending; DELETE FROM lineage; DELETE FROM told; DELETE FROM history;")?;
    inbox::forget(connection)?;
    unsettle_intents(connection)?;
    scan_progress::forget_checkpoint(connection)?;
    scan_progress::forget_completion(connection)
}

/// What was applied goes, and every intent with it: the new sink never heard of them.
fn forget_sink(connection: &Connection) -> Result<(), StateError> {
    for table in ["intents", "applied", "pending", "lineage"] {
        connection.execute(&format!("DELETE FROM {table} WHERE sink = ?1"), [FILE_MANAGER])?;
    }
    scan_progress::forget_checkpoint(connection)?;
    scan_progress::forget_completion(connection)
}

/// A restored state: every open intent ends, every row is unconfirmed, and everything is listed again.
fn distrust(connection: &Connection) -> Result<(), StateError> {
    write_meta(connection, RESTORED_AT_LOOK, &observed::high_water(connection)?.to_string())?;
    if !mutant::is("open_intents_kept_after_a_restore") {
        unsettle_intents(connection)?;
    }
    if !mutant::is("applied_rows_trusted_after_a_restore") {
        connection.execute("UPDATE applied SET confirmed = 0", [])?;
    }
    connection.execute_batch("DELETE FROM pending; DELETE FROM lineage;")?;
    scan_progress::forget_checkpoint(connection)
}

/// Ends all open intents: their paths have a row, which no longer says what the sink holds.
fn unsettle_intents(connection: &Connection) -> Result<(), StateError> {
    connection.execute_batch(
        "INSERT INTO applied (sink, path, confirmed) SELECT sink, path, 0 FROM intents WHERE true
             ON CONFLICT (sink, path) DO UPDATE SET confirmed = 0;
         INSERT INTO applied (sink, path, confirmed) SELECT sink, new_path, 0 FROM intents WHERE new_path IS NOT NULL
             ON CONFLICT (sink, path) DO UPDATE SET confirmed = 0;
         DELETE FROM intents;",
    )?;
    Ok(())
}
