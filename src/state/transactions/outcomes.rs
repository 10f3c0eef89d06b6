//! Intents: what we were about to do, and its outcome. An open intent locks every path that it names.

use crate::mutant;
use crate::plan::{Effect, Planned};
use crate::record::{Applied, ETag, FileRecord, Fingerprint, ObjectKey, Permissions, Sides};
use crate::state::error::StateError;
use crate::state::handle::{FILE_MANAGER, State};
use crate::state::tables::applied;
use crate::state::tables::history::{self, Attempts, Called, Ended, Moment, Outcome, What};
use crate::state::tables::permissions;
use crate::state::transactions::identity;
use crate::state::transactions::observe::{self, integer};
use crate::state::transactions::requeue::{self, Trigger};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

/// One effect, with all that makes its call identical when it is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The path.
    pub path: ObjectKey,
    /// Where the file goes: for a rename or a move.
    pub new_path: Option<ObjectKey>,
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

/// Content and permissions: one effect at a time on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// What the file is, and where.
    Content,
    /// Who may do what with it.
    Permissions,
}

impl Plane {
    /// Which plane an effect is on.
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

impl State {
    /// Stores the intents of one operation; their calls may go out when this returns.
    pub async fn open_intents(&self, intents: Vec<Intent>) -> Result<(), StateError> {
        self.writer.call(move |connection| intents.iter().try_for_each(|intent| write(connection, intent))).await
    }

    /// The effect is confirmed, or the sink was found to hold just this: stores the row, ends the intents, thinks again.
    pub async fn applied(&self, file: FileRecord, attempts: Attempts) -> Result<(), StateError> {
        let (limits, moment) = (self.limits, self.moment());
        self.writer
            .call(move |connection| {
                applied::write(connection, moment, &file)?;
                remove(connection, &file.file_path)?;
                let path = file.file_path.clone();
                let result = outcome(&attempts, &file);
                history::operation(connection, moment, &path, attempts, result)?;
                let observed = observe::read(connection, &path)?;
                let wanted = permissions::read(connection, &path)?.wanted();
                let sides = Sides { applied: Some(Applied { file, confirmed: true }), observed, wanted };
                requeue::reconsider(connection, &path, sides, Trigger::Outcome, limits).map(drop)
            })
            .await
    }

    /// Permissions of a known file are confirmed: what was sent is what it has.
    pub async fn permissions_set(&self, path: &ObjectKey, sent: &Permissions, attempts: Attempts) -> Result<(), StateError> {
        let (path, sent, limits, moment) = (path.clone(), sent.clone(), self.limits, self.moment());
        self.writer
            .call(move |connection| {
                if let Some(row) = applied::read(connection, &path)? {
                    let permissions = sent.clone().over(row.file.permissions);
                    applied::write_permissions(connection, &path, &permissions)?;
                }
                remove_one(connection, &path, Plane::Permissions)?;
                history::operation(connection, moment, &path, attempts, Outcome::PermissionsSet(sent))?;
                requeue::think_again(connection, &path, Trigger::Outcome, limits)
            })
            .await
    }

    /// The delete is confirmed: the sink has nothing there any more.
    pub async fn deleted(&self, path: &ObjectKey, attempts: Attempts) -> Result<(), StateError> {
        let (path, limits, moment) = (path.clone(), self.limits, self.moment());
        self.writer
            .call(move |connection| {
                // A restored state made sure that nothing is there: what was told waits for the file that comes.
                let made_sure = identity::restored_at(connection)?.is_some() && applied::is_only_doubted(connection, &path)?;
                applied::remove(connection, &path)?;
                remove(connection, &path)?;
                permissions::forget_gone(connection, &path, made_sure)?;
                history::operation(connection, moment, &path, attempts, Outcome::Deleted)?;
                requeue::think_again(connection, &path, Trigger::Outcome, limits)
            })
            .await
    }

    /// The effect was refused for good: it did not happen, and the intent ends.
    pub async fn refused(&self, path: &ObjectKey, plane: Plane) -> Result<(), StateError> {
        let path = path.clone();
        self.writer.call(move |connection| remove_one(connection, &path, plane)).await
    }

    /// What is open on the path is no longer meant, and may or may not have happened: the intents end, and every path that
    /// they name is unconfirmed.
    pub async fn end_intents(&self, path: &ObjectKey) -> Result<(), StateError> {
        let (path, limits, moment) = (path.clone(), self.limits, self.moment());
        self.writer.call(move |connection| unsettle(connection, moment, &path, limits)).await
    }
}

/// Ends what is open on a path, without an outcome.
pub(crate) fn unsettle(connection: &Connection, moment: Moment, path: &ObjectKey, limits: crate::plan::Limits) -> Result<(), StateError> {
    let ended = filed_under(connection, path)?;
    remove(connection, path)?;
    for intent in &ended {
        let attempts = Attempts { called: Some(Called::from(intent)), ..Attempts::default() };
        let what = What::Operation(Ended { attempts, result: Outcome::InDoubt });
        history::append(connection, moment, (path, intent.new_path.as_ref()), &what)?;
    }
    let new_paths = ended.into_iter().filter_map(|intent| intent.new_path);
    let new_paths = new_paths.filter(|_| !mutant::is("an_ended_rename_leaves_its_target_confirmed"));
    for path in std::iter::once(path.clone()).chain(new_paths) {
        if !mutant::is("an_ended_intent_leaves_its_row_confirmed") {
            applied::unconfirm(connection, &path)?;
        }
        requeue::think_again(connection, &path, Trigger::InHand, limits)?;
    }
    Ok(())
}

/// The effects of a path that have no outcome yet.
pub(crate) fn filed_under(connection: &Connection, path: &ObjectKey) -> Result<Vec<Intent>, StateError> {
    let text = format!("SELECT {} FROM intents WHERE sink = ?1 AND path = ?2", COLUMNS.join(", "));
    let mut statement = connection.prepare_cached(&text)?;
    let rows = statement.query_map(params![FILE_MANAGER, path.as_str()], |row| from_row(row, 0, path))?;
    rows.map(|row| row?).collect()
}

/// The effects without an outcome that name a path, as theirs or as the one to which a file goes.
pub(crate) fn naming(connection: &Connection, path: &ObjectKey) -> Result<Vec<Intent>, StateError> {
    let mut statement = connection.prepare("SELECT path FROM intents WHERE sink = ?1 AND new_path = ?2")?;
    let origin: Option<String> = statement.query_row(params![FILE_MANAGER, path.as_str()], |row| row.get(0)).optional()?;
    let mut naming = filed_under(connection, path)?;
    if let Some(origin) = origin.and_then(|origin| ObjectKey::new(origin).ok()) {
        naming.extend(of_move(connection, &origin, path)?);
    }
    Ok(naming)
}

/// What it means that a row is confirmed: without a call that carried content, the sink was asked.
fn outcome(attempts: &Attempts, file: &FileRecord) -> Outcome {
    let content = file.etag.clone().zip(file.size).map(|(etag, size)| Fingerprint { etag, size });
    let internal_id = file.internal_id.clone();
    match attempts.called.as_ref().map(|called| called.effect) {
        Some(Effect::Create | Effect::Update) => Outcome::Applied { internal_id, content },
        _ => Outcome::Confirmed { internal_id, content },
    }
}

/// Whether an effect that names the path has no outcome yet.
pub(crate) fn is_open(connection: &Connection, path: &ObjectKey) -> Result<bool, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM intents WHERE sink = ?1 AND path = ?2) OR EXISTS (SELECT 1 FROM intents WHERE sink = ?1 AND new_path = ?2)",
    )?;
    Ok(statement.query_row(params![FILE_MANAGER, path.as_str()], |row| row.get(0))?)
}

fn write(connection: &Connection, intent: &Intent) -> Result<(), StateError> {
    let Planned { effect, content, permissions } = &intent.planned;
    let mut statement = connection.prepare_cached(
        "INSERT OR FAIL INTO intents (sink, path, plane, new_path, idempotency_key, effect, size, etag, permissions, owner, owner_group,
                              file_type, metadata, run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    statement.execute(params![
        FILE_MANAGER,
        intent.path.as_str(),
        Plane::of(*effect).as_str(),
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

/// The rename or the move from one path to another, if it has no outcome yet.
pub(crate) fn of_move(connection: &Connection, origin: &ObjectKey, target: &ObjectKey) -> Result<Option<Intent>, StateError> {
    let text = format!("SELECT {} FROM intents WHERE sink = ?1 AND path = ?2 AND new_path = ?3", COLUMNS.join(", "));
    let mut statement = connection.prepare_cached(&text)?;
    let row = statement.query_row(params![FILE_MANAGER, origin.as_str(), target.as_str()], |row| from_row(row, 0, origin));
    row.optional()?.transpose()
}

pub(crate) fn remove(connection: &Connection, path: &ObjectKey) -> Result<(), StateError> {
    connection.prepare_cached("DELETE FROM intents WHERE sink = ?1 AND path = ?2")?.execute(params![FILE_MANAGER, path.as_str()])?;
    Ok(())
}

fn remove_one(connection: &Connection, path: &ObjectKey, plane: Plane) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached("DELETE FROM intents WHERE sink = ?1 AND path = ?2 AND plane = ?3")?;
    statement.execute(params![FILE_MANAGER, path.as_str(), plane.as_str()])?;
    Ok(())
}

/// The columns in the order in which [`from_row`] reads them.
pub(crate) const COLUMNS: [&str; 11] =
    ["idempotency_key", "effect", "size", "etag", "permissions", "owner", "owner_group", "file_type", "metadata", "run", "new_path"];

/// Reads [`COLUMNS`] from `first` on.
pub(crate) fn from_row(row: &Row<'_>, first: usize, path: &ObjectKey) -> rusqlite::Result<Result<Intent, StateError>> {
    let (key, effect): (String, String) = (row.get(first)?, row.get(first + 1)?);
    let size: Option<i64> = row.get(first + 2)?;
    let etag = row.get::<_, Option<String>>(first + 3)?.as_deref().and_then(ETag::parse);
    let Ok(idempotency_key) = Uuid::parse_str(&key) else {
        return Ok(Err(StateError::Corrupt(format!("the idempotency key {key:?}"))));
    };
    let Some(effect) = Effect::of_word(&effect) else {
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
    }))
}
