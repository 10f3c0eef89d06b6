//! The document that `why --json` prints. Every field is always present.

use super::answer::{self, Answer};
use super::past::HistoryLine;
use crate::record::{Applied, ETag, ObjectFacts, ObjectKey, Observed, Permissions, ReportedField, SinkName};
use crate::state::{InboxRow, Intent, KeyReport, PendingStatus, SinkKeyReport};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole document.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    pub(super) key: ObjectKey,
    pub(super) state: &'static str,
    pub(super) answer: String,
    /// The newest observation; `null` = the key was never observed.
    pub(super) bucket: Option<InBucket>,
    /// The applied row of the main sink.
    pub(super) file_manager: Option<AppliedFile>,
    /// The permissions that events reported.
    pub(super) permissions_told: Vec<ReportedPermission>,
    pub(super) pending: Option<Pending>,
    pub(super) open_effects: Vec<UnfinishedEffect>,
    pub(super) comes_from: Option<ObjectKey>,
    pub(super) goes_to: Option<ObjectKey>,
    pub(super) events_waiting: Vec<EventWaiting>,
    /// Each sink, by its name. The keys above describe the main sink only: the file manager, or, if there is none, the sink that was added
    /// first.
    pub(super) sinks: BTreeMap<SinkName, InSink>,
    /// Oldest first.
    pub(super) history: Vec<HistoryLine>,
    /// The sink that the keys above describe.
    #[serde(skip)]
    pub(super) main_sink: Option<SinkName>,
}

/// The key's status in one sink.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct InSink {
    pub(super) state: &'static str,
    pub(super) answer: String,
    /// The applied row of the sink.
    pub(super) held: Option<AppliedFile>,
    pub(super) pending: Option<Pending>,
    pub(super) open_effects: Vec<UnfinishedEffect>,
    pub(super) comes_from: Option<ObjectKey>,
    pub(super) goes_to: Option<ObjectKey>,
}

#[derive(Debug, Serialize)]
pub(super) struct InBucket {
    pub(super) present: bool,
    pub(super) size: Option<u64>,
    pub(super) etag: Option<ETag>,
    pub(super) last_modified: Option<Timestamp>,
    pub(super) storage_class: Option<String>,
    /// The observation number. Of two observations, the one with the greater number is newer.
    pub(super) look: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct AppliedFile {
    pub(super) confirmed: bool,
    pub(super) internal_id: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) etag: Option<ETag>,
    pub(super) permissions: Permissions,
    /// The run that last confirmed the file, and when.
    pub(super) run: Option<u64>,
    pub(super) at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub(super) struct ReportedPermission {
    /// `permissions`, `owner` or `group`.
    pub(super) field: &'static str,
    pub(super) value: String,
    pub(super) at: Timestamp,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Pending {
    pub(super) status: String,
    pub(super) deletion: bool,
    pub(super) failed_runs: u32,
    pub(super) next_attempt: Option<Timestamp>,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct UnfinishedEffect {
    pub(super) effect: &'static str,
    pub(super) path: ObjectKey,
    pub(super) new_path: Option<ObjectKey>,
    pub(super) idempotency_key: String,
    pub(super) decided_in_run: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct EventWaiting {
    pub(super) source: &'static str,
    pub(super) kind: &'static str,
    pub(super) path: ObjectKey,
    pub(super) new_path: Option<ObjectKey>,
    pub(super) told_at: Option<Timestamp>,
    pub(super) received_at: Timestamp,
    /// The number of failed lookups.
    pub(super) failures: u32,
}

impl Explanation {
    pub(super) fn new(key: ObjectKey, report: KeyReport) -> Self {
        let sinks: BTreeMap<_, _> = report.sinks.iter().map(|sink| (sink.name.clone(), InSink::new(&key, &report, sink))).collect();
        let main = report.main_sink().map(|sink| sink.name.clone());
        let of_main = main.as_ref().and_then(|name| sinks.get(name)).cloned().unwrap_or_default();
        let told = [("permissions", report.reported.permissions), ("owner", report.reported.owner), ("group", report.reported.group)];
        Self {
            key,
            state: of_main.state,
            answer: of_main.answer,
            bucket: report.observed.map(InBucket::from),
            file_manager: of_main.held,
            permissions_told: told.into_iter().filter_map(|(field, told)| Some(ReportedPermission::new(field, told?))).collect(),
            pending: of_main.pending,
            open_effects: of_main.open_effects,
            comes_from: of_main.comes_from,
            goes_to: of_main.goes_to,
            events_waiting: report.inbox.into_iter().map(EventWaiting::from).collect(),
            sinks,
            history: report.history.into_iter().map(HistoryLine::from).collect(),
            main_sink: main,
        }
    }
}

impl InSink {
    fn new(key: &ObjectKey, report: &KeyReport, sink: &SinkKeyReport) -> Self {
        let Answer { state, sentence } = answer::of(key, report, sink);
        let (run, at) = sink.applied_in;
        Self {
            state,
            answer: sentence,
            held: sink.path_state.applied.clone().map(|applied| AppliedFile { run, at, ..AppliedFile::from(applied) }),
            pending: sink.pending.clone().map(Pending::from),
            open_effects: sink.intents.iter().cloned().map(UnfinishedEffect::from).collect(),
            comes_from: sink.comes_from.clone(),
            goes_to: sink.goes_to.clone(),
        }
    }
}

impl ReportedPermission {
    fn new(field: &'static str, told: ReportedField) -> Self {
        Self { field, value: told.value, at: told.at }
    }
}

impl From<Observed> for InBucket {
    fn from(Observed { facts, seq: look }: Observed) -> Self {
        let nothing = Self { present: false, size: None, etag: None, last_modified: None, storage_class: None, look: look.0 };
        let Some(ObjectFacts { size, etag, last_modified, storage_class, .. }) = facts else { return nothing };
        Self { present: true, size: Some(size), etag, last_modified, storage_class, ..nothing }
    }
}

impl From<Applied> for AppliedFile {
    fn from(Applied { confirmed, file }: Applied) -> Self {
        let (run, at) = (None, None);
        Self { confirmed, internal_id: file.internal_id, size: file.size, etag: file.etag, permissions: file.permissions, run, at }
    }
}

impl From<PendingStatus> for Pending {
    fn from(PendingStatus { status, deletion, failed_runs, next_attempt, reason, message }: PendingStatus) -> Self {
        Self { status, deletion, failed_runs, next_attempt, reason, message }
    }
}

impl From<Intent> for UnfinishedEffect {
    fn from(Intent { path, new_path, idempotency_key, planned, run, .. }: Intent) -> Self {
        let (effect, idempotency_key) = (planned.effect.as_str(), idempotency_key.to_string());
        Self { effect, path, new_path, idempotency_key, decided_in_run: run }
    }
}

impl From<InboxRow> for EventWaiting {
    fn from(InboxRow { source, received_at, failures, event, .. }: InboxRow) -> Self {
        let (source, kind) = (source.as_str(), event.kind.as_str());
        Self { source, kind, path: event.path, new_path: event.new_path, told_at: event.time, received_at, failures }
    }
}
