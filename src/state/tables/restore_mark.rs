//! Whether a backup was put back, in a row of `meta`.

use crate::record::ObservationSeq;
use crate::state::database::meta::read_meta;
use crate::state::error::StateError;
use rusqlite::Connection;

/// The look after which nothing that was forgotten with the restored backup can hide: a name of a row of `meta`.
pub(crate) const RESTORED_AT_LOOK: &str = "restored_at_look";

/// The newest look that a restored state had; `None` = no backup was ever put back.
pub(crate) fn restored_at(connection: &Connection) -> Result<Option<ObservationSeq>, StateError> {
    Ok(read_meta(connection, RESTORED_AT_LOOK)?.and_then(|look| look.parse().ok()).map(ObservationSeq))
}
