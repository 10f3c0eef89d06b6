//! The identity of the state: its bucket and its sinks. A different one is refused until the operator says what it means.

use crate::mutant;
use crate::record::{ObservationSeq, SinkName};
use crate::state::database::meta::write_meta;
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::restore_mark::RESTORED_AT;
use crate::state::tables::sinks::{self, RegisteredSink, SinkRow};
use crate::state::tables::sources::{self, SourceId};
use crate::state::tables::{gap, inbox};
use crate::state::transactions::outdate;
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeSet;

/// The addresses of a configuration's source and sinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Endpoint, bucket and prefix.
    pub source: String,
    /// The sinks, at least one.
    pub sinks: Vec<NamedSink>,
}

/// A sink as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSink {
    /// Its name.
    pub name: SinkName,
    /// The kind of sink, as a word.
    pub kind: &'static str,
    /// The address of the sink.
    pub address: String,
}

impl NamedSink {
    /// The file manager at an address.
    pub fn file_manager(address: &str) -> Self {
        let address = address.trim_end_matches('/').to_owned();
        Self { name: SinkName::file_manager(), kind: "file_manager", address }
    }
}

/// The operator's answer if state and configuration have different identities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorAnswer {
    /// The same data at another address: keep everything.
    pub adopt: bool,
    /// Another bucket: remove the observations.
    pub new_source: bool,
    /// Sinks that are new or start over: remove what was applied there.
    pub new_sinks: BTreeSet<SinkName>,
    /// Sinks that are no longer used: remove all rows about them.
    pub drop_sinks: BTreeSet<SinkName>,
    /// True if a backup was restored: every applied row becomes unconfirmed.
    pub restored: bool,
}

impl State {
    /// Compares the state with the configuration and applies the operator's answer. A difference without an answer is refused,
    /// and nothing is changed.
    pub async fn identify(&self, identity: Identity, answer: OperatorAnswer, now: Timestamp) -> Result<(), StateError> {
        let source = self.source;
        let moment = (now, self.numbers.newest());
        self.writer.call(move |connection| identify(connection, source, (&identity, &answer), moment)).await
    }
}

fn identify(
    connection: &Connection,
    source: SourceId,
    (identity, answer): (&Identity, &OperatorAnswer),
    (now, newest): (Timestamp, ObservationSeq),
) -> Result<(), StateError> {
    if let Some(refusal) = refusal(connection, source, identity, answer)? {
        return Err(StateError::OtherIdentity(refusal));
    }
    sources::write_address(connection, source, &identity.source)?;
    for row in sinks::all_rows(connection, source)? {
        if !identity.sinks.iter().any(|named| named.name == row.name) {
            sinks::remove(connection, row.sink)?;
        }
    }
    for named in &identity.sinks {
        match sinks::named(connection, &named.name)? {
            Some(row) if answer.new_sinks.contains(&named.name) => start_over(connection, source, row.sink)?,
            Some(_) => {}
            None => {
                sinks::add(connection, source, &named.name, named.kind)?;
                list_again(connection, source)?;
            }
        }
        if let Some(row) = sinks::named(connection, &named.name)? {
            sinks::write_address(connection, row.sink, named.kind, &named.address)?;
        }
    }
    outdate::drop_what_no_sink_needs(connection, source)?;
    if answer.new_source {
        forget_source(connection, source)?;
    }
    if answer.restored {
        mark_all_unconfirmed(connection, source, newest)?;
        // Events that arrived after the backup was made are missing, too.
        gap::note_gap(connection, now)?;
    }
    Ok(())
}

/// The differences between state and configuration, in either direction, that no answer covers. A source or sink without any
/// stored fact has no identity: the operator can simply correct a typo in the first run's settings.
pub(crate) fn refusal(
    connection: &Connection,
    source: SourceId,
    identity: &Identity,
    answer: &OperatorAnswer,
) -> Result<Option<String>, StateError> {
    let mut refusals = Vec::new();
    let known = sources::address(connection, source)?.filter(|known| *known != identity.source);
    let observed = exists(connection, "SELECT 1 FROM observed")?;
    if let Some(known) = known.filter(|_| !answer.adopt && !answer.new_source && observed) {
        refusals.push(format!(
            "this state describes the source {known}, the configuration names {}: --adopt when it is the same data under another \
             name, --new-source to list it anew",
            identity.source
        ));
    }
    let rows = sinks::all_rows(connection, source)?;
    for named in &identity.sinks {
        let row = rows.iter().find(|row| row.name == named.name);
        refusals.extend(refusal_of_sink(connection, named, row, (answer, observed))?);
    }
    for SinkRow { sink, name, address } in &rows {
        let is_named = identity.sinks.iter().any(|named| named.name == *name);
        if !is_named && !answer.drop_sinks.contains(name) && sinks::is_in_use(connection, *sink)? {
            refusals.push(format!(
                "this state describes the sink {name} at {}, the configuration does not name it: --drop-sink {name} to forget it; what it \
                 holds stays there",
                address.as_deref().unwrap_or("an address that is not known"),
            ));
        }
    }
    let unknown = answer.new_sinks.iter().filter(|name| !identity.sinks.iter().any(|named| named.name == **name));
    refusals.extend(unknown.map(|name| format!("--new-sink {name}: the configuration names no such sink")));
    let still_named = answer.drop_sinks.iter().filter(|name| identity.sinks.iter().any(|named| named.name == **name));
    refusals.extend(still_named.map(|name| format!("--drop-sink {name}: the configuration still names this sink")));
    let is_known = |name: &SinkName| rows.iter().any(|row| row.name == *name) || identity.sinks.iter().any(|named| named.name == *name);
    let never_known = answer.drop_sinks.iter().filter(|name| !is_known(name));
    refusals.extend(never_known.map(|name| format!("--drop-sink {name}: this state has no such sink")));
    Ok((!refusals.is_empty()).then(|| refusals.join("; ")))
}

fn refusal_of_sink(
    connection: &Connection,
    named: &NamedSink,
    row: Option<&SinkRow>,
    (answer, observed): (&OperatorAnswer, bool),
) -> Result<Option<String>, StateError> {
    let NamedSink { name, address, .. } = named;
    if answer.new_sinks.contains(name) {
        return Ok(None);
    }
    let Some(row) = row else {
        let added = observed
            .then(|| format!("this state does not describe the sink {name} at {address}: --new-sink {name} to send everything to it"));
        return Ok(added);
    };
    let other = row.address.as_ref().filter(|known| *known != address);
    let Some(known) = other.filter(|_| !answer.adopt) else { return Ok(None) };
    Ok(sinks::is_in_use(connection, row.sink)?.then(|| {
        format!(
            "this state describes the sink {name} at {known}, the configuration names {address}: --adopt when it is the same one under \
             another name, --new-sink {name} to send everything to it"
        )
    }))
}

fn exists(connection: &Connection, rows: &str) -> Result<bool, StateError> {
    Ok(connection.query_row(&format!("SELECT EXISTS ({rows})"), [], |row| row.get(0))?)
}

/// Removes the observations. The applied rows stay and are compared with the new bucket: keys that it lacks become deletes, under
/// the guard.
fn forget_source(connection: &Connection, source: SourceId) -> Result<(), StateError> {
    connection.execute_batch(
        "DELETE FROM observed; DELETE FROM pending; DELETE FROM lineage; DELETE FROM permissions; DELETE FROM outdated_permissions;
         DELETE FROM history;",
    )?;
    inbox::forget(connection)?;
    unsettle_intents(connection)?;
    list_again(connection, source)
}

/// Removes the sink's applied rows and intents: a new sink has received nothing.
fn start_over(connection: &Connection, source: SourceId, sink: RegisteredSink) -> Result<(), StateError> {
    sinks::forget(connection, sink)?;
    list_again(connection, source)
}

/// Makes the next run an initial sync that lists from the start.
fn list_again(connection: &Connection, source: SourceId) -> Result<(), StateError> {
    sources::forget_listing(connection, source)?;
    sources::write_initial_completed_by(connection, source, None)
}

/// After a restore: ends every open intent, makes every row unconfirmed, and lists everything again.
fn mark_all_unconfirmed(connection: &Connection, source: SourceId, newest: ObservationSeq) -> Result<(), StateError> {
    write_meta(connection, RESTORED_AT, &newest.0.to_string())?;
    if !mutant::is("open_intents_kept_after_a_restore") {
        unsettle_intents(connection)?;
    }
    if !mutant::is("applied_rows_trusted_after_a_restore") {
        connection.execute("UPDATE applied SET confirmed = 0", [])?;
    }
    connection.execute_batch("DELETE FROM pending; DELETE FROM lineage;")?;
    sources::forget_listing(connection, source)
}

/// Ends all open intents. Their paths get an unconfirmed row.
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
