//! Intents: what we were about to do, and its outcome. An open intent locks its path.

use super::looks::{self, integer};
use super::pending::{self, Trigger};
use super::{FILE_MANAGER, State, StateError, applied};
use crate::plan::{Effect, Planned};
use crate::record::{Applied, ETag, FileRecord, Fingerprint, ObjectKey};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

/// One effect, with all that makes its call identical when it is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The path.
    pub path: ObjectKey,
    /// Makes the effect happen once.
    pub idempotency_key: Uuid,
    /// The effect and its content.
    pub planned: Planned,
    /// MIME type, for content.
    pub file_type: Option<String>,
    /// A JSON object as text, for content.
    pub metadata: Option<String>,
    /// The run that meant it.
    pub run: u64,
}

impl State {
    /// Stores an intent; its call may go out when this returns.
    pub async fn open_intent(&self, intent: &Intent) -> Result<(), StateError> {
        let intent = intent.clone();
        self.writer.call(move |connection| write(connection, &intent)).await
    }

    /// The effect is confirmed, or the sink was found to hold just this: stores the row, ends the intent, thinks again.
    pub async fn applied(&self, file: FileRecord) -> Result<(), StateError> {
        let limits = self.limits;
        self.writer
            .call(move |connection| {
                applied::write(connection, &file)?;
                remove(connection, &file.file_path)?;
                let observed = looks::read(connection, &file.file_path)?;
                let row = Applied { file, confirmed: true };
                let sides = (Some(&row), observed.as_ref());
                pending::reconsider(connection, &row.file.file_path, sides, Trigger::Outcome, limits).map(drop)
            })
            .await
    }

    /// The delete is confirmed: the sink has nothing there any more.
    pub async fn deleted(&self, path: &ObjectKey) -> Result<(), StateError> {
        let (path, limits) = (path.clone(), self.limits);
        self.writer
            .call(move |connection| {
                applied::remove(connection, &path)?;
                remove(connection, &path)?;
                pending::think_again(connection, &path, Trigger::Outcome, limits)
            })
            .await
    }

    /// The effect was refused for good: it did not happen, and the intent ends.
    pub async fn refused(&self, path: &ObjectKey) -> Result<(), StateError> {
        let path = path.clone();
        self.writer.call(move |connection| remove(connection, &path)).await
    }

    /// The effect is no longer meant, and may or may not have happened: the intent ends and its path is unconfirmed.
    pub async fn end_intent(&self, path: &ObjectKey) -> Result<(), StateError> {
        let (path, limits) = (path.clone(), self.limits);
        self.writer
            .call(move |connection| {
                remove(connection, &path)?;
                applied::unconfirm(connection, &path)?;
                pending::think_again(connection, &path, Trigger::InHand, limits)
            })
            .await
    }
}

/// Whether an effect on the path has no outcome yet.
pub(super) fn is_open(connection: &Connection, path: &ObjectKey) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM intents WHERE sink = ?1 AND path = ?2")?;
    Ok(statement.query_row(params![FILE_MANAGER, path.as_str()], |_| Ok(())).optional()?.is_some())
}

fn write(connection: &Connection, intent: &Intent) -> Result<(), StateError> {
    let content = intent.planned.content.as_ref();
    let mut statement = connection.prepare_cached(
        "INSERT INTO intents (sink, path, idempotency_key, effect, size, etag, file_type, metadata, run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute(params![
        FILE_MANAGER,
        intent.path.as_str(),
        intent.idempotency_key.to_string(),
        intent.planned.effect.as_str(),
        content.map(|content| integer(content.size)),
        content.map(|content| content.etag.as_str()),
        intent.file_type,
        intent.metadata,
        integer(intent.run),
    ])?;
    Ok(())
}

fn remove(connection: &Connection, path: &ObjectKey) -> Result<(), StateError> {
    connection.prepare_cached("DELETE FROM intents WHERE sink = ?1 AND path = ?2")?.execute(params![FILE_MANAGER, path.as_str()])?;
    Ok(())
}

/// Reads `idempotency_key, effect, size, etag, file_type, metadata, run` from `first` on.
pub(super) fn from_row(row: &Row<'_>, first: usize, path: &ObjectKey) -> rusqlite::Result<Result<Intent, StateError>> {
    let (key, effect): (String, String) = (row.get(first)?, row.get(first + 1)?);
    let size: Option<i64> = row.get(first + 2)?;
    let etag = row.get::<_, Option<String>>(first + 3)?.as_deref().and_then(ETag::parse);
    let Ok(idempotency_key) = Uuid::parse_str(&key) else {
        return Ok(Err(StateError::Corrupt(format!("the idempotency key {key:?}"))));
    };
    let effect = match effect.as_str() {
        "create" => Effect::Create,
        "update" => Effect::Update,
        "delete" => Effect::Delete,
        other => return Ok(Err(StateError::Corrupt(format!("the effect {other:?}")))),
    };
    let content = etag.zip(size).map(|(etag, size)| Fingerprint { etag, size: size.unsigned_abs() });
    Ok(Ok(Intent {
        path: path.clone(),
        idempotency_key,
        planned: Planned { effect, content },
        file_type: row.get(first + 4)?,
        metadata: row.get(first + 5)?,
        run: row.get::<_, i64>(first + 6)?.unsigned_abs(),
    }))
}
