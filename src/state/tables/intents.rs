//! Intents: effects without a known outcome. An open intent locks every path that it names.

use crate::plan::{Effect, Planned};
use crate::record::{ETag, Fingerprint, ObjectKey, Permissions};
use crate::state::database::codec::{integer, texts};
use crate::state::error::StateError;
use crate::state::tables::sinks::RegisteredSink;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::sync::LazyLock;
use uuid::Uuid;

/// One effect, with everything that makes its call identical when it is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The path.
    pub path: ObjectKey,
    /// The target of the file: for a rename or a move.
    pub new_path: Option<ObjectKey>,
    /// The sink applies one key at most once.
    pub idempotency_key: Uuid,
    /// The effect and its content.
    pub planned: Planned,
    /// MIME type, for content.
    pub file_type: Option<String>,
    /// A JSON object as text, for content.
    pub metadata: Option<String>,
    /// The last checkpoint of the transfer, in the sink's own words; `None` when the intent is opened.
    pub resume: Option<String>,
    /// The run that planned it.
    pub run: u64,
}

/// Content and permissions: each has one open effect at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentKind {
    /// The file's identity and location.
    Content,
    /// The file's permissions.
    Permissions,
}

impl IntentKind {
    /// The plane of an effect.
    pub fn of(effect: Effect) -> Self {
        if effect == Effect::SetPermissions { Self::Permissions } else { Self::Content }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Permissions => "permissions",
        }
    }
}

/// The open effects of a path.
pub(crate) fn filed_under(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<Vec<Intent>, StateError> {
    let text = format!("SELECT {} FROM intents WHERE sink = ?1 AND path = ?2", COLUMNS.join(", "));
    let mut statement = connection.prepare_cached(&text)?;
    let rows = statement.query_map(params![sink.id, path.as_str()], |row| from_row(row, 0, path))?;
    rows.map(|row| row?).collect()
}

/// The open effects that name a path, as their path or as their target.
pub(crate) fn naming(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<Vec<Intent>, StateError> {
    let mut statement = connection.prepare("SELECT path FROM intents WHERE sink = ?1 AND new_path = ?2")?;
    let origin: Option<String> = statement.query_row(params![sink.id, path.as_str()], |row| row.get(0)).optional()?;
    let mut naming = filed_under(connection, sink, path)?;
    if let Some(origin) = origin.and_then(|origin| ObjectKey::new(origin).ok()) {
        naming.extend(of_move(connection, sink, &origin, path)?);
    }
    Ok(naming)
}

/// The open effects that name any of these paths, in one query.
pub(crate) fn naming_any<'p>(
    connection: &Connection,
    sink: RegisteredSink,
    paths: impl Iterator<Item = &'p ObjectKey>,
) -> Result<Vec<Intent>, StateError> {
    static NAMING: LazyLock<String> = LazyLock::new(|| {
        let columns = COLUMNS.map(|column| format!("i.{column}")).join(", ");
        format!(
            "SELECT i.path, {columns} FROM rarray(?2) k CROSS JOIN intents i ON i.sink = ?1 AND i.path = k.value
             UNION SELECT i.path, {columns} FROM rarray(?2) k CROSS JOIN intents i ON i.sink = ?1 AND i.new_path = k.value"
        )
    });
    let mut statement = connection.prepare_cached(&NAMING)?;
    let rows = statement.query_map(params![sink.id, texts(paths)], |row| {
        let path = ObjectKey::new(row.get::<_, String>(0)?).map_err(StateError::from);
        match path {
            Ok(path) => from_row(row, 1, &path),
            Err(error) => Ok(Err(error)),
        }
    })?;
    rows.map(|row| row?).collect()
}

/// True if an open effect names the path.
pub(crate) fn is_open(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM intents WHERE sink = ?1 AND path = ?2) OR EXISTS (SELECT 1 FROM intents WHERE sink = ?1 AND new_path = ?2)",
    )?;
    Ok(statement.query_row(params![sink.id, path.as_str()], |row| row.get(0))?)
}

pub(crate) fn write(connection: &Connection, sink: RegisteredSink, intent: &Intent) -> Result<(), StateError> {
    let Planned { effect, content, permissions } = &intent.planned;
    let mut statement = connection.prepare_cached(
        "INSERT OR FAIL INTO intents (sink, path, plane, new_path, idempotency_key, effect, size, etag, permissions, owner, owner_group,
                              file_type, metadata, run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    statement.execute(params![
        sink.id,
        intent.path.as_str(),
        IntentKind::of(*effect).as_str(),
        intent.new_path.as_ref().map(ObjectKey::as_str),
        intent.idempotency_key.to_string(),
        effect.as_str(),
        content.as_ref().map(|content| integer(content.size)),
        content.as_ref().map(|content| content.etag.as_str()),
        permissions.permissions,
        permissions.owner,
        permissions.group,
        intent.file_type,
        intent.metadata,
        integer(intent.run),
    ])?;
    Ok(())
}

/// Stores how far the transfer of an effect has come. Returns `false` if the effect has ended.
pub(crate) fn write_resume(
    connection: &Connection,
    sink: RegisteredSink,
    (path, key): (&ObjectKey, Uuid),
    resume: &str,
) -> Result<bool, StateError> {
    let text = "UPDATE intents SET resume = ?4 WHERE sink = ?1 AND path = ?2 AND idempotency_key = ?3";
    Ok(connection.prepare_cached(text)?.execute(params![sink.id, path.as_str(), key.to_string(), resume])? > 0)
}

/// The open rename or move from one path to another.
pub(crate) fn of_move(
    connection: &Connection,
    sink: RegisteredSink,
    origin: &ObjectKey,
    target: &ObjectKey,
) -> Result<Option<Intent>, StateError> {
    let text = format!("SELECT {} FROM intents WHERE sink = ?1 AND path = ?2 AND new_path = ?3", COLUMNS.join(", "));
    let mut statement = connection.prepare_cached(&text)?;
    let row = statement.query_row(params![sink.id, origin.as_str(), target.as_str()], |row| from_row(row, 0, origin));
    row.optional()?.transpose()
}

pub(crate) fn remove(connection: &Connection, sink: RegisteredSink, path: &ObjectKey) -> Result<(), StateError> {
    connection.prepare_cached("DELETE FROM intents WHERE sink = ?1 AND path = ?2")?.execute(params![sink.id, path.as_str()])?;
    Ok(())
}

pub(crate) fn remove_one(connection: &Connection, sink: RegisteredSink, path: &ObjectKey, plane: IntentKind) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached("DELETE FROM intents WHERE sink = ?1 AND path = ?2 AND plane = ?3")?;
    statement.execute(params![sink.id, path.as_str(), plane.as_str()])?;
    Ok(())
}

/// The columns in the order in which [`from_row`] reads them.
pub(crate) const COLUMNS: [&str; 12] = [
    "idempotency_key",
    "effect",
    "size",
    "etag",
    "permissions",
    "owner",
    "owner_group",
    "file_type",
    "metadata",
    "run",
    "new_path",
    "resume",
];

/// Reads [`COLUMNS`] from `first` on.
pub(crate) fn from_row(row: &Row<'_>, first: usize, path: &ObjectKey) -> rusqlite::Result<Result<Intent, StateError>> {
    let (key, effect): (String, String) = (row.get(first)?, row.get(first + 1)?);
    let size: Option<i64> = row.get(first + 2)?;
    let etag = row.get::<_, Option<String>>(first + 3)?.as_deref().and_then(ETag::parse);
    let Ok(idempotency_key) = Uuid::parse_str(&key) else {
        return Ok(Err(StateError::Corrupt(format!("the idempotency key {key:?}"))));
    };
    let Some(effect) = Effect::from_word(&effect) else {
        return Ok(Err(StateError::Corrupt(format!("the effect {effect:?}"))));
    };
    let permissions = Permissions { permissions: row.get(first + 4)?, owner: row.get(first + 5)?, group: row.get(first + 6)? };
    let content = etag.zip(size).map(|(etag, size)| Fingerprint { etag, size: size.unsigned_abs() });
    Ok(Ok(Intent {
        path: path.clone(),
        new_path: row.get::<_, Option<String>>(first + 10)?.and_then(|path| ObjectKey::new(path).ok()),
        idempotency_key,
        planned: Planned { effect, content, permissions },
        file_type: row.get(first + 7)?,
        metadata: row.get(first + 8)?,
        run: row.get::<_, i64>(first + 9)?.unsigned_abs(),
        resume: row.get(first + 11)?,
    }))
}
