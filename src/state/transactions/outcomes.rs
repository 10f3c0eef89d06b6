//! Outcomes of effects, stored together with the end of their intents.

use crate::mutant;
use crate::plan::Effect;
use crate::plan::requeue::Trigger;
use crate::record::{FileRecord, Fingerprint, ObjectKey, Permissions};
use crate::state::error::StateError;
use crate::state::handle::SinkState;
use crate::state::tables::history::{self, Attempts, Called, HistoryEvent, Moment, OperationEnd, Outcome};
use crate::state::tables::intents::{self, IntentKind};
use crate::state::tables::sinks::RegisteredSink;
use crate::state::tables::{applied, restore_mark};
use crate::state::transactions::{outdate, requeue};
use rusqlite::Connection;

impl SinkState {
    /// The effect is confirmed, or the sink was found to hold this content already: stores the row, ends the intents, plans the
    /// path again.
    pub async fn applied_record(&self, file: FileRecord, attempts: Attempts) -> Result<(), StateError> {
        let (path, outcome) = (file.file_path.clone(), outcome(&attempts, &file));
        let store = move |connection: &Connection, sink, moment, path: &ObjectKey| {
            applied::write(connection, sink, moment, &file)?;
            intents::remove(connection, sink, path)
        };
        self.outcome_record(path, attempts, outcome, store).await
    }

    /// The permissions of a known file are confirmed: stores what was sent.
    pub async fn permissions_record(&self, path: &ObjectKey, sent: &Permissions, attempts: Attempts) -> Result<(), StateError> {
        let (sent, outcome) = (sent.clone(), Outcome::PermissionsSet(sent.clone()));
        let store = move |connection: &Connection, sink, _, path: &ObjectKey| {
            if let Some(row) = applied::read(connection, sink, path)? {
                applied::write_permissions(connection, sink, path, &sent.over(row.file.permissions))?;
            }
            intents::remove_one(connection, sink, path, IntentKind::Permissions)
        };
        self.outcome_record(path.clone(), attempts, outcome, store).await
    }

    /// The delete is confirmed: the sink no longer holds anything at the path.
    pub async fn deleted_record(&self, path: &ObjectKey, attempts: Attempts) -> Result<(), StateError> {
        let store = |connection: &Connection, sink, _, path: &ObjectKey| {
            // After a restore, the delete may only have made sure that nothing is there. Then the reported permissions are kept
            // for a later file.
            let made_sure = restore_mark::restored_at(connection)?.is_some() && applied::is_only_doubted(connection, sink, path)?;
            applied::remove(connection, sink, path)?;
            intents::remove(connection, sink, path)?;
            outdate::gone(connection, sink, path, made_sure)
        };
        self.outcome_record(path.clone(), attempts, Outcome::Deleted, store).await
    }

    /// Stores the outcome of an operation on one path in one transaction: the rows (`store`) and the entry in the history. Plans the path
    /// again.
    async fn outcome_record(
        &self,
        path: ObjectKey,
        attempts: Attempts,
        outcome: Outcome,
        store: impl FnOnce(&Connection, RegisteredSink, Moment, &ObjectKey) -> Result<(), StateError> + Send + 'static,
    ) -> Result<(), StateError> {
        let moment = self.moment();
        self.call(move |connection, sink| {
            store(connection, sink, moment, &path)?;
            history::operation(connection, sink, (&path, moment), attempts, outcome)?;
            requeue::requeue(connection, sink, &path, Trigger::OperationEnded).map(drop)
        })
        .await
    }

    /// The sink's confirmed files of the next paths after one, at most this many, with their handles. `None` = from the first.
    pub async fn applied_after(&self, after: Option<ObjectKey>, most: usize) -> Result<Vec<(ObjectKey, Option<String>)>, StateError> {
        self.call(move |connection, sink| applied::confirmed_after(connection, sink, after.as_ref(), most)).await
    }

    /// The sink does not store these files as the rows say: makes them unconfirmed, and plans their paths again.
    pub async fn applied_unconfirm(&self, paths: Vec<ObjectKey>) -> Result<(), StateError> {
        self.call(move |connection, sink| {
            for path in &paths {
                applied::unconfirm(connection, sink, path)?;
                requeue::requeue(connection, sink, path, Trigger::InFlight)?;
            }
            Ok(())
        })
        .await
    }

    /// The sink refused the effect for good: it did not happen, and the intent ends.
    pub async fn intent_refuse(&self, path: &ObjectKey, plane: IntentKind) -> Result<(), StateError> {
        let path = path.clone();
        self.call(move |connection, sink| intents::remove_one(connection, sink, &path, plane)).await
    }

    /// The open effects of the path are no longer planned, and may have happened: ends their intents, and makes every path that
    /// they name unconfirmed.
    pub async fn intents_abandon(&self, path: &ObjectKey) -> Result<(), StateError> {
        let (path, moment) = (path.clone(), self.moment());
        self.call(move |connection, sink| unsettle(connection, sink, moment, &path)).await
    }
}

/// Ends the open intents of a path without an outcome.
pub(crate) fn unsettle(connection: &Connection, sink: RegisteredSink, moment: Moment, path: &ObjectKey) -> Result<(), StateError> {
    let ended = intents::filed_under(connection, sink, path)?;
    intents::remove(connection, sink, path)?;
    for intent in &ended {
        let attempts = Attempts { called: Some(Called::from(intent)), ..Attempts::default() };
        let what = HistoryEvent::Operation(OperationEnd { attempts, result: Outcome::InDoubt });
        history::append(connection, (moment, Some(sink.id)), (path, intent.new_path.as_ref()), &what)?;
    }
    let new_paths = ended.into_iter().filter_map(|intent| intent.new_path);
    let new_paths = new_paths.filter(|_| !mutant::is("an_ended_rename_leaves_its_target_confirmed"));
    for path in std::iter::once(path.clone()).chain(new_paths) {
        if !mutant::is("an_ended_intent_leaves_its_row_confirmed") {
            applied::unconfirm(connection, sink, &path)?;
        }
        requeue::requeue(connection, sink, &path, Trigger::InFlight)?;
    }
    Ok(())
}

/// How the row was confirmed. If no call sent content, the sink had it already.
fn outcome(attempts: &Attempts, file: &FileRecord) -> Outcome {
    let content = file.etag.clone().zip(file.size).map(|(etag, size)| Fingerprint { etag, size });
    let internal_id = file.internal_id.clone();
    match attempts.called.as_ref().map(|called| called.effect) {
        Some(Effect::Create | Effect::Update) => Outcome::Applied { internal_id, content },
        _ => Outcome::Confirmed { internal_id, content },
    }
}
