//! A history: pages, observations, events, effects and their outcomes, all through the state's public interface.

use super::POLICY;
use super::step::{End, Found, PATHS, ReportedEvent, Step, Waiting};
use crate::workflow::scene::key;
use jiff::Timestamp;
use s3_sync::plan::{self, Effect, Planned, SkipReason, Verdict};
use s3_sync::record::{ETag, Event, EventKind, FileRecord, ObjectFacts, ObjectKey, Permissions, SinkName};
use s3_sync::state::{
    AttemptFailure, Attempts, EventChannel, HeldDeletes, Intent, IntentKind, MoveOutcome, NotOpened, Observation, Page, Received, Replay,
    SinkState, State, WorkItem,
};
use std::collections::{BTreeMap, BTreeSet};

/// A state with a history.
pub(super) struct History {
    pub(super) state: State,
    pub(super) sink: SinkState,
    /// The number of steps so far, which is the clock.
    steps: i64,
    _directory: tempfile::TempDir,
}

impl History {
    pub(super) async fn begin() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let sink = state.sink(SinkName::file_manager(), POLICY).await.expect("registered");
        Self { state, sink, steps: 0, _directory: directory }
    }

    pub(super) async fn take(&mut self, step: Step) {
        self.steps += 1;
        match step {
            Step::Page { from, to, shows } => self.page(from, to, &shows).await,
            Step::Observe { path, found, late } => {
                let seq = self.state.source().observation_next();
                if late {
                    self.observe(path, found.map(|(etag, size)| (etag, size + 1))).await;
                }
                let observation = Observation { path: key(PATHS[path]), facts: found.map(facts), seq };
                self.state.source().observations_record(vec![observation]).await.expect("stored");
            }
            Step::Replay { events, found, unseen } => self.replay(&events, &found, unseen).await,
            Step::Turn { path, end, permissions } => self.turn(&key(PATHS[path]), end, permissions).await,
            Step::Move(outcome) => self.one_move(outcome).await,
            Step::Waiting(what) => self.waiting(what).await,
        }
    }

    async fn observe(&self, path: usize, found: Option<Found>) {
        let observation = Observation { path: key(PATHS[path]), facts: found.map(facts), seq: self.state.source().observation_next() };
        self.state.source().observations_record(vec![observation]).await.expect("stored");
    }

    async fn page(&self, from: Option<usize>, to: Option<usize>, shows: &[Option<Found>]) {
        let (after, up_to) = (from.map(|from| key(PATHS[from])), to.map(|to| key(PATHS[to])));
        if after.is_some() && up_to.is_some() && after >= up_to {
            return;
        }
        let between =
            |path: &ObjectKey| after.as_ref().is_none_or(|after| path > after) && up_to.as_ref().is_none_or(|up_to| path <= up_to);
        let inside = PATHS.iter().map(|path| key(path)).zip(shows).filter(|(path, _)| between(path));
        let objects = inside.filter_map(|(path, found)| Some((path, facts((*found)?)))).collect();
        let page = Page { prefix: String::new(), after, up_to, seq: self.state.source().observation_next(), objects };
        self.state.source().page_record(page).await.expect("stored");
    }

    async fn replay(&self, events: &[ReportedEvent], found: &[Option<Found>], unseen: Option<usize>) {
        let now = Timestamp::from_second(10 + self.steps).expect("a moment");
        let received = events.iter().filter_map(|reported| {
            let goes = matches!(reported.kind, EventKind::Rename | EventKind::Move);
            let event = Event {
                new_path: goes.then(|| key(PATHS[reported.new_path])),
                permissions: permissions(reported.permissions, reported.owner),
                time: reported.time.map(|second| Timestamp::from_second(second).expect("a moment")),
                ..Event::new(reported.kind, key(PATHS[reported.path]))
            };
            let outcome = Ok(event);
            (!goes || reported.path != reported.new_path).then_some(Received { source: EventChannel::Feed, outcome })
        });
        self.state.inbox().receive(received.collect(), now).await.expect("stored");
        let rows = self.state.inbox().events_batch(0, 100).await.expect("read");
        let touched: BTreeSet<_> = rows.iter().flat_map(|row| row.event.paths().cloned()).collect();
        let seq = self.state.source().observation_next();
        let (mut observations, mut failed) = (Vec::new(), BTreeMap::new());
        for (index, path) in PATHS.iter().map(|path| key(path)).enumerate().filter(|(_, path)| touched.contains(path)) {
            if unseen == Some(index) {
                failed.insert(path, "not seen".to_owned());
            } else {
                observations.push(Observation { path, facts: found[index].map(facts), seq });
            }
        }
        let replay = Replay { rows, observations, failed, locked: BTreeSet::new() };
        self.state.source().replay(replay).await.expect("stored");
    }

    /// Acts as the executor does: starts only planned effects, and first ends open intents that are no longer planned.
    async fn turn(&self, path: &ObjectKey, end: End, answered: Option<&'static str>) {
        let Some(work) = self.sink.work_item(path).await.expect("read") else { return };
        match end {
            End::Parked => {
                let failed = Some(AttemptFailure { reason: "broken".to_owned(), message: "it broke".to_owned() });
                return self.sink.pending_park(path, Attempts { failed, ..Attempts::default() }, Timestamp::MAX).await.expect("stored");
            }
            End::SkippedArchived if work.path_state.applied.is_none() && work.intent.is_none() => {
                return self.sink.pending_skip(path, SkipReason::Archived).await.expect("stored");
            }
            End::Suspected => return self.sink.pending_mark_possibly_deleted(path).await.expect("stored"),
            End::Settled => return self.sink.pending_requeue(path).await.expect("stored"),
            _ => {}
        }
        let verdict = plan::decide(path, &work.path_state, POLICY);
        if work.intent.iter().chain(&work.permissions_intent).any(|open| !plan::is_still_planned(&open.planned, &verdict)) {
            return self.sink.intents_abandon(path).await.expect("stored");
        }
        let (Verdict::Do(planned) | Verdict::Confirm(planned)) = verdict else { return };
        if planned.content.is_none() && matches!(planned.effect, Effect::Create | Effect::Update) {
            return;
        }
        if !self.open(&work, &planned).await {
            return;
        }
        match end {
            End::Done => self.done(&work, planned, answered).await,
            End::HalfDone if !planned.permissions.is_empty() => {
                self.sink.permissions_record(path, &planned.permissions, Attempts::default()).await.expect("stored");
            }
            End::Refused => {
                let plane = IntentKind::of(planned.effect);
                self.sink.intent_refuse(path, plane).await.expect("stored");
            }
            End::Doubted => self.sink.intents_abandon(path).await.expect("stored"),
            _ => {}
        }
    }

    /// Opens the intents that are missing. Returns `false` if a move is to be decided first.
    async fn open(&self, work: &WorkItem, planned: &Planned) -> bool {
        let intent = |planned: Planned| Intent {
            path: work.path.clone(),
            new_path: None,
            idempotency_key: uuid::Uuid::new_v4(),
            planned,
            file_type: None,
            metadata: None,
            resume: None,
            run: 1,
        };
        let mut missing = Vec::new();
        if planned.effect != Effect::SetPermissions && work.intent.is_none() {
            missing.push(intent(Planned { permissions: Permissions::default(), ..planned.clone() }));
        }
        if !planned.permissions.is_empty() && work.permissions_intent.is_none() {
            let permissions = planned.permissions.clone();
            missing.push(intent(Planned { effect: Effect::SetPermissions, content: None, permissions }));
        }
        match self.sink.intents_open(work.into(), missing).await.expect("stored") {
            Ok(()) => true,
            Err(NotOpened::MoveFirst) => false,
            Err(NotOpened::Outdated) => panic!("nothing else has happened since {work:?}"),
        }
    }

    async fn done(&self, work: &WorkItem, planned: Planned, answered: Option<&'static str>) {
        match planned.effect {
            Effect::Delete => self.sink.deleted_record(&work.path, Attempts::default()).await.expect("stored"),
            Effect::SetPermissions => {
                self.sink.permissions_record(&work.path, &planned.permissions, Attempts::default()).await.expect("stored");
            }
            _ => {
                let content = planned.content.expect("observed above");
                let known = work.path_state.applied.as_ref().filter(|row| row.confirmed && planned.effect == Effect::Update);
                let held = match known {
                    Some(row) => row.file.permissions.clone(),
                    None if planned.permissions.is_empty() => permissions(answered, None),
                    None => planned.permissions,
                };
                let file = FileRecord {
                    permissions: held,
                    size: Some(content.size),
                    etag: Some(content.etag),
                    internal_id: Some("id".to_owned()),
                    ..FileRecord::at(work.path.clone())
                };
                self.sink.applied_record(file, Attempts::default()).await.expect("stored");
            }
        }
    }

    async fn one_move(&self, outcome: MoveOutcome) {
        self.sink.moves_pair_by_content().await.expect("paired");
        let Some(known) = self.sink.moves_due(None, 1).await.expect("read").pop() else { return };
        let goes = matches!(plan::decide_move(&known.moving, POLICY), plan::MoveVerdict::Go(_));
        let outcome = if goes { outcome } else { MoveOutcome::NotAMove };
        if known.intent.is_some() && outcome == MoveOutcome::NotAMove {
            self.sink.intents_abandon(known.origin()).await.expect("stored");
        }
        self.sink.move_end((known.origin(), known.target()), outcome, Attempts::default()).await.expect("stored");
    }

    async fn waiting(&self, what: Waiting) {
        match what {
            Waiting::Hold => {
                self.sink.absences_drop_unapplied().await.expect("stored");
                let deletes = self.sink.deletes_in_question(true).await.expect("counted").deletes;
                self.sink.deletes_hold(HeldDeletes { deletes, rows_when_held: deletes, nothing_listed: false }).await.expect("stored");
            }
            Waiting::LetGo => self.sink.deletes_release().await.expect("stored"),
            Waiting::ReleaseAll => self.sink.pending_unpark_all().await.expect("stored"),
            Waiting::EndStaleMoves => self.sink.moves_end_stale().await.expect("stored"),
            Waiting::Prune => {
                let now = Timestamp::from_second(self.steps * 90_000).expect("a moment");
                if let Some(below) =
                    self.state.maintenance().tombstones_due(self.state.source().observation_next(), now).await.expect("asked")
                {
                    self.state.maintenance().tombstones_prune(below).await.expect("pruned");
                }
            }
        }
    }
}

fn facts((etag, size): Found) -> ObjectFacts {
    ObjectFacts { size, etag: etag.and_then(ETag::parse), last_modified: None, storage_class: None, version_id: None }
}

fn permissions(permissions: Option<&'static str>, owner: Option<&'static str>) -> Permissions {
    Permissions { permissions: permissions.map(str::to_owned), owner: owner.map(str::to_owned), group: None }
}
