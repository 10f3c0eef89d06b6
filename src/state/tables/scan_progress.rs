//! How far the listing has come, in rows of `meta`.

use crate::record::ObjectKey;
use crate::record::Page;
use crate::state::database::meta::{delete_meta, read_meta, write_meta};
use crate::state::error::StateError;
use crate::state::tables::sinks::FILE_MANAGER;
use rusqlite::{Connection, params};

/// How far the listing of a run has come that has not come to its own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Begin at the start.
    Nothing,
    /// Go on after this key.
    UpTo(ObjectKey),
    /// All pages are stored; what they showed may still wait to be applied.
    Everything,
}

/// Where the listing stands: the names of rows of `meta`.
pub(crate) const LISTED_UP_TO: &str = "listed_up_to";

pub(crate) const LISTED_EVERYTHING: &str = "listed_everything";

pub(crate) const ROWS_BEFORE_LISTING: &str = "rows_before_listing";

pub(crate) const LISTING_SAW_FILES: &str = "listing_saw_files";

pub(crate) const LISTING_UNJUDGED: &str = "listing_unjudged";

pub(crate) const INITIAL_COMPLETED_BY: &str = "initial_completed_by_run";

/// A reconcile began, and no listing has come to its end since.
pub(crate) const RECONCILE_UNFINISHED: &str = "reconcile_unfinished";

/// How far the listing has come with this page.
pub(crate) fn checkpoint(connection: &Connection, page: &Page) -> Result<(), StateError> {
    if page.after.is_none() {
        delete_meta(connection, LISTING_SAW_FILES)?;
        connection
            .prepare_cached(
                "INSERT INTO meta (name, value) SELECT ?1, CAST(applied_rows AS TEXT) FROM sinks WHERE id = ?2
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![ROWS_BEFORE_LISTING, FILE_MANAGER])?;
    }
    write_meta(connection, LISTING_UNJUDGED, "yes")?;
    if page.objects.iter().any(|(path, facts)| !path.is_directory_marker(facts.size)) {
        write_meta(connection, LISTING_SAW_FILES, "yes")?;
    }
    if let Some(last) = &page.up_to {
        return write_meta(connection, LISTED_UP_TO, last.as_str());
    }
    delete_meta(connection, LISTED_UP_TO)?;
    write_meta(connection, LISTED_EVERYTHING, "yes")
}

/// How many rows the sink had when the listing began.
pub(crate) fn rows_before_listing(connection: &Connection) -> Result<u64, StateError> {
    Ok(read_meta(connection, ROWS_BEFORE_LISTING)?.and_then(|rows| rows.parse().ok()).unwrap_or_default())
}

/// Forgets an unfinished listing: the next one begins at the start.
pub(crate) fn forget_checkpoint(connection: &Connection) -> Result<(), StateError> {
    [LISTED_UP_TO, LISTED_EVERYTHING, LISTING_SAW_FILES].iter().try_for_each(|name| delete_meta(connection, name))
}

/// Forgets that an initial sync ever completed.
pub(crate) fn forget_completion(connection: &Connection) -> Result<(), StateError> {
    delete_meta(connection, INITIAL_COMPLETED_BY)
}

/// The run that completed the initial sync.
pub(crate) fn initial_completed_by(connection: &Connection) -> Result<Option<u64>, StateError> {
    Ok(read_meta(connection, INITIAL_COMPLETED_BY)?.and_then(|number| number.parse().ok()))
}
