//! The history of a key, as `why --json` prints it.

use crate::record::{ETag, ObjectKey, Permissions, SinkName};
use crate::state::{AttemptFailure, ConsumedEvent, EventDisposition, HistoryEntry, HistoryEvent, ObservedContent, OperationEnd, Outcome};
use jiff::Timestamp;
use serde::Serialize;

/// One history entry: a consumed event, or an ended operation.
#[derive(Debug, Serialize)]
pub(super) struct HistoryLine {
    pub(super) at: Option<Timestamp>,
    pub(super) run: u64,
    /// The sink; `null` = the entry is an event, or was stored by a version with one sink only.
    pub(super) sink: Option<SinkName>,
    pub(super) path: ObjectKey,
    pub(super) new_path: Option<ObjectKey>,
    pub(super) event: Option<PastEvent>,
    pub(super) operation: Option<PastOperation>,
}

#[derive(Debug, Serialize)]
pub(super) struct PastEvent {
    pub(super) source: &'static str,
    pub(super) kind: &'static str,
    pub(super) told_at: Option<Timestamp>,
    pub(super) received_at: Timestamp,
    pub(super) permissions: Permissions,
    /// `looked_at` or `dead_letter`.
    pub(super) became: &'static str,
    /// The object that the lookup found; `null` = there was no lookup.
    pub(super) found: Option<Found>,
    pub(super) found_at_new_path: Option<Found>,
    pub(super) message: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Found {
    pub(super) present: bool,
    pub(super) size: Option<u64>,
    pub(super) etag: Option<ETag>,
}

#[derive(Debug, Serialize)]
pub(super) struct PastOperation {
    /// The effect that was sent last; `null` = none was sent.
    pub(super) effect: Option<&'static str>,
    pub(super) idempotency_key: Option<String>,
    pub(super) decided_in_run: Option<u64>,
    pub(super) attempts: u32,
    /// The last failed attempt.
    pub(super) last_failure: Option<AttemptFailure>,
    /// `applied`, `confirmed`, `permissions_set`, `deleted`, `moved`, `not_moved`, `failed` or `in_doubt`.
    pub(super) result: &'static str,
    pub(super) internal_id: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) etag: Option<ETag>,
    pub(super) permissions: Permissions,
    pub(super) next_attempt: Option<Timestamp>,
    /// For a move: true if an event reported it.
    pub(super) told: Option<bool>,
}

impl From<HistoryEntry> for HistoryLine {
    fn from(HistoryEntry { at, run, sink, path, new_path, what }: HistoryEntry) -> Self {
        let (event, operation) = match what {
            HistoryEvent::Event(event) => (Some(PastEvent::from(event)), None),
            HistoryEvent::Operation(ended) => (None, Some(PastOperation::from(ended))),
        };
        Self { at, run, sink, path, new_path, event, operation }
    }
}

impl From<ConsumedEvent> for PastEvent {
    fn from(ConsumedEvent { source, kind, told_at, received_at, permissions, became }: ConsumedEvent) -> Self {
        let (became, found, found_at_new_path, message) = match became {
            EventDisposition::LookedAt { path, new_path } => ("looked_at", Some(Found::from(path)), new_path.map(Found::from), None),
            EventDisposition::DeadLetter { message } => ("dead_letter", None, None, Some(message)),
        };
        let (source, kind) = (source.as_str(), kind.as_str());
        Self { source, kind, told_at, received_at, permissions, became, found, found_at_new_path, message }
    }
}

impl From<ObservedContent> for Found {
    fn from(shown: ObservedContent) -> Self {
        match shown {
            ObservedContent::Nothing => Self { present: false, size: None, etag: None },
            ObservedContent::Object { size } => Self { present: true, size: Some(size), etag: None },
            ObservedContent::Content(content) => Self { present: true, size: Some(content.size), etag: Some(content.etag) },
        }
    }
}

impl From<OperationEnd> for PastOperation {
    fn from(OperationEnd { attempts, result }: OperationEnd) -> Self {
        let mut operation = Self {
            effect: attempts.called.as_ref().map(|called| called.effect.as_str()),
            idempotency_key: attempts.called.as_ref().map(|called| called.idempotency_key.to_string()),
            decided_in_run: attempts.called.map(|called| called.decided_in),
            attempts: attempts.made,
            last_failure: attempts.failed,
            result: result.as_str(),
            internal_id: None,
            size: None,
            etag: None,
            permissions: Permissions::default(),
            next_attempt: None,
            told: None,
        };
        match result {
            Outcome::Applied { internal_id, content } | Outcome::Confirmed { internal_id, content } => {
                operation.internal_id = internal_id;
                (operation.size, operation.etag) = content.map(|content| (content.size, content.etag)).unzip();
            }
            Outcome::PermissionsSet(permissions) => operation.permissions = permissions,
            Outcome::Moved { told } => operation.told = Some(told),
            Outcome::Failed { next_attempt } => operation.next_attempt = Some(next_attempt),
            Outcome::Deleted | Outcome::NotMoved | Outcome::InDoubt => {}
        }
        operation
    }
}
