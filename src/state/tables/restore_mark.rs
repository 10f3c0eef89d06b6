//! The mark of a restored backup, in a row of `meta`.

use crate::record::ObservationSeq;
use crate::state::database::meta::read_meta;
use crate::state::error::StateError;
use rusqlite::Connection;

/// A row of `meta`: the newest observation when the backup was restored. The state may lack anything that happened after the
/// backup and before this observation.
pub(crate) const RESTORED_AT: &str = "restored_at_look";

/// The newest observation of a restored state; `None` = no backup was ever restored.
pub(crate) fn restored_at(connection: &Connection) -> Result<Option<ObservationSeq>, StateError> {
    Ok(read_meta(connection, RESTORED_AT)?.and_then(|seq| seq.parse().ok()).map(ObservationSeq))
}
