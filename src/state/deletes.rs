//! Deletes that wait: counted for the guard, held and let go. Whether they may go is the workflow's decision.

use super::{FILE_MANAGER, State, StateError, runs};
use rusqlite::params;

impl State {
    /// Forgets the absent keys of which the sink has nothing: with the deletes held, nobody looks at them, and the next
    /// listing finds them absent again.
    pub async fn forget_idle_absences(&self) -> Result<(), StateError> {
        self.writer
            .call(|connection| {
                connection.execute(
                    "DELETE FROM pending AS p WHERE sink = ?1 AND deletion = 1
                       AND NOT EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
                       AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path)",
                    [FILE_MANAGER],
                )?;
                Ok(())
            })
            .await
    }

    /// How many deletes the sink would see if every path that is or may be gone is deleted, those that are held among them:
    /// for the guard.
    pub async fn deletes_in_question(&self) -> Result<u64, StateError> {
        self.writer
            .call(|connection| {
                let deletes: i64 = connection.query_row(
                    "SELECT count(*) FROM pending p WHERE sink = ?1 AND status IN ('due', 'held') AND deletion = 1 AND (
                         EXISTS (SELECT 1 FROM applied a WHERE a.sink = p.sink AND a.path = p.path)
                         OR EXISTS (SELECT 1 FROM intents i WHERE i.sink = p.sink AND i.path = p.path))",
                    [FILE_MANAGER],
                    |row| row.get(0),
                )?;
                Ok(deletes.unsigned_abs())
            })
            .await
    }

    /// The guard holds the deletes: they wait until somebody lets them go, and make no cycle heavier meanwhile.
    pub async fn hold_deletes(&self) -> Result<(), StateError> {
        self.set_deletes("due", "held").await
    }

    /// The guard lets the deletes go.
    pub async fn let_deletes_go(&self) -> Result<(), StateError> {
        self.set_deletes("held", "due").await
    }

    async fn set_deletes(&self, from: &'static str, to: &'static str) -> Result<(), StateError> {
        self.writer
            .call(move |connection| {
                let text = "UPDATE pending SET status = ?3 WHERE sink = ?1 AND status = ?2 AND deletion = 1";
                connection.prepare_cached(text)?.execute(params![FILE_MANAGER, from, to])?;
                Ok(())
            })
            .await
    }

    /// How many rows the sink had when the listing began: what the same run created is no reason to let more go.
    pub async fn rows_before_listing(&self) -> Result<u64, StateError> {
        self.writer.call(runs::rows_before_listing).await
    }
}
