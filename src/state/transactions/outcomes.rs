//! Intents: what we were about to do, and its outcome. An open intent locks every path that it names.

use crate::mutant;
use crate::plan::Effect;
use crate::record::{Applied, FileRecord, Fingerprint, ObjectKey, Permissions, Sides};
use crate::state::error::StateError;
use crate::state::handle::State;
use crate::state::tables::history::{self, Attempts, Called, Ended, Moment, Outcome, What};
use crate::state::tables::intents::{self, Intent, Plane};
use crate::state::tables::{applied, observed, permissions, restore_mark};
use crate::state::transactions::requeue::{self, Trigger};
use rusqlite::Connection;

impl State {
    /// Stores the intents of one operation; their calls may go out when this returns.
    pub async fn open_intents(&self, intents: Vec<Intent>) -> Result<(), StateError> {
        self.writer.call(move |connection| intents.iter().try_for_each(|intent| intents::write(connection, intent))).await
    }

    /// The effect is confirmed, or the sink was found to hold just this: stores the row, ends the intents, thinks again.
    pub async fn applied(&self, file: FileRecord, attempts: Attempts) -> Result<(), StateError> {
        let (limits, moment) = (self.limits, self.moment());
        self.writer
            .call(move |connection| {
                applied::write(connection, moment, &file)?;
                intents::remove(connection, &file.file_path)?;
                let path = file.file_path.clone();
                let result = outcome(&attempts, &file);
                history::operation(connection, moment, &path, attempts, result)?;
                let observed = observed::read(connection, &path)?;
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
                intents::remove_one(connection, &path, Plane::Permissions)?;
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
                let made_sure = restore_mark::restored_at(connection)?.is_some() && applied::is_only_doubted(connection, &path)?;
                applied::remove(connection, &path)?;
                intents::remove(connection, &path)?;
                permissions::forget_gone(connection, &path, made_sure)?;
                history::operation(connection, moment, &path, attempts, Outcome::Deleted)?;
                requeue::think_again(connection, &path, Trigger::Outcome, limits)
            })
            .await
    }

    /// The effect was refused for good: it did not happen, and the intent ends.
    pub async fn refused(&self, path: &ObjectKey, plane: Plane) -> Result<(), StateError> {
        let path = path.clone();
        self.writer.call(move |connection| intents::remove_one(connection, &path, plane)).await
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
    let ended = intents::filed_under(connection, path)?;
    intents::remove(connection, path)?;
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

/// What it means that a row is confirmed: without a call that carried content, the sink was asked.
fn outcome(attempts: &Attempts, file: &FileRecord) -> Outcome {
    let content = file.etag.clone().zip(file.size).map(|(etag, size)| Fingerprint { etag, size });
    let internal_id = file.internal_id.clone();
    match attempts.called.as_ref().map(|called| called.effect) {
        Some(Effect::Create | Effect::Update) => Outcome::Applied { internal_id, content },
        _ => Outcome::Confirmed { internal_id, content },
    }
}
