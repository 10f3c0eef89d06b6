//! The counters are the numbers of rows, whatever has happened: random transactions of two sinks, and after each of them every counter is
//! compared with a count.

use super::inbox_tests::at;
use super::sinks_tests::facts;
use super::*;
use crate::plan::{Effect, Planned, Policy, SkipReason};
use crate::record::{ETag, Event, EventKind, FileRecord, ObjectKey, Permissions, SinkName};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

const PATHS: [&str; 4] = ["a", "b", "c", "d"];

/// The name of a counter that is not the number of its rows, and both.
const DRIFT: &str = "
    WITH counted (counter, rows) AS (
        SELECT 'applied_rows of ' || s.name, (SELECT count(*) FROM applied WHERE sink = s.id) FROM sinks s
        UNION ALL SELECT 'open_intents of ' || s.name, (SELECT count(*) FROM intents WHERE sink = s.id) FROM sinks s
        UNION ALL SELECT 'inbox', count(*) FROM inbox
        UNION ALL SELECT 'dead_letters', count(*) FROM dead_letters
        UNION ALL SELECT concat_ws(' ', 'waiting', sink, status, deletion, iif(status = 'due', '', ifnull(reason, ''))), count(*)
            FROM pending GROUP BY sink, status, deletion, iif(status = 'due', '', ifnull(reason, ''))
    ), kept (counter, value) AS (
        SELECT 'applied_rows of ' || name, applied_rows FROM sinks
        UNION ALL SELECT 'open_intents of ' || name, open_intents FROM sinks
        UNION ALL SELECT name, value FROM counters WHERE name IN ('inbox', 'dead_letters')
        UNION ALL SELECT concat_ws(' ', 'waiting', sink, status, deletion, reason), paths FROM waiting
    )
    SELECT counter || ': ' || ifnull(rows, 0) || ' rows, counted ' || ifnull(value, 0)
    FROM counted FULL JOIN kept USING (counter) WHERE ifnull(rows, 0) <> ifnull(value, 0)";

/// One transaction, of one of two sinks.
#[derive(Clone, Debug)]
enum Step {
    Page(Vec<Option<&'static str>>),
    Observe(usize, Option<&'static str>),
    Replay(EventKind, usize, usize),
    Received { dead: bool },
    Open(bool, usize, Effect),
    Applied(bool, usize, &'static str),
    Deleted(bool, usize),
    Refused(bool, usize),
    Abandoned(bool, usize),
    Parked(bool, usize, &'static str),
    Skipped(bool, usize),
    Suspected(bool, usize),
    Moves(bool),
    Waiting(bool, u8),
    Letters(u8),
    Answered(u8),
}

fn step() -> impl Strategy<Value = Step> {
    use EventKind::{Create, Delete, Rename};
    let path = || 0..PATHS.len();
    let etag = || option::weighted(0.7, select(vec!["x", "y"]));
    let (one, kind) = (any::<bool>, select(vec![Create, Delete, Rename]));
    let effect = select(vec![Effect::Create, Effect::SetPermissions, Effect::Delete]);
    prop_oneof![
        3 => vec(etag(), PATHS.len()).prop_map(Step::Page),
        3 => (path(), etag()).prop_map(|(path, etag)| Step::Observe(path, etag)),
        3 => (kind, path(), path()).prop_map(|(kind, path, other)| Step::Replay(kind, path, other)),
        1 => one().prop_map(|dead| Step::Received { dead }),
        3 => (one(), path(), effect).prop_map(|(sink, path, effect)| Step::Open(sink, path, effect)),
        3 => (one(), path(), select(vec!["x", "y"])).prop_map(|(sink, path, etag)| Step::Applied(sink, path, etag)),
        1 => (one(), path()).prop_map(|(sink, path)| Step::Deleted(sink, path)),
        1 => (one(), path()).prop_map(|(sink, path)| Step::Refused(sink, path)),
        1 => (one(), path()).prop_map(|(sink, path)| Step::Abandoned(sink, path)),
        2 => (one(), path(), select(vec!["broken", "refused"])).prop_map(|(sink, path, reason)| Step::Parked(sink, path, reason)),
        1 => (one(), path()).prop_map(|(sink, path)| Step::Skipped(sink, path)),
        1 => (one(), path()).prop_map(|(sink, path)| Step::Suspected(sink, path)),
        2 => one().prop_map(Step::Moves),
        2 => (one(), 0..5_u8).prop_map(|(sink, what)| Step::Waiting(sink, what)),
        1 => (0..3_u8).prop_map(Step::Letters),
        1 => (0..4_u8).prop_map(Step::Answered),
    ]
}

fn key(path: usize) -> ObjectKey {
    ObjectKey::new(PATHS[path]).expect("not empty")
}

fn event(kind: EventKind, path: usize, other: usize) -> Event {
    let new_path = (kind == EventKind::Rename && other != path).then(|| key(other));
    Event { new_path, ..Event::new(kind, key(path)) }
}

struct Bed {
    state: State,
    sinks: [SinkState; 2],
    _directory: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        let small = Policy { max_file_bytes: Some(2), ..Policy::default() };
        let sinks = [sink(&state, "one", Policy::default()).await, sink(&state, "two", small).await];
        Self { state, sinks, _directory: directory }
    }

    async fn take(&mut self, step: Step) -> Result<(), StateError> {
        let seq = self.state.source().observation_next();
        let sink = |second: bool| &self.sinks[usize::from(second)];
        match step {
            Step::Page(shows) => {
                let objects = shows.iter().enumerate().filter_map(|(path, etag)| Some((key(path), facts((*etag)?))));
                let page = Page { prefix: String::new(), after: None, up_to: None, seq, objects: objects.collect() };
                self.state.source().page_record(page).await.map(drop)
            }
            Step::Observe(path, etag) => {
                let observation = Observation { path: key(path), facts: etag.map(facts), seq };
                self.state.source().observations_record(vec![observation]).await
            }
            Step::Replay(kind, path, other) => {
                self.receive(Ok(event(kind, path, other))).await?;
                let rows = self.state.inbox().events_batch(0, 100).await?;
                let observations = (0..PATHS.len()).map(|path| Observation { path: key(path), facts: None, seq }).collect();
                self.state.source().replay(Replay { rows, observations, ..Replay::default() }).await.map(drop)
            }
            Step::Received { dead: false } => self.receive(Ok(event(EventKind::Create, 0, 0))).await,
            Step::Received { dead: true } => {
                self.receive(Err(Poisoned { reason: "r".to_owned(), message: "m".to_owned(), raw: Vec::new() })).await
            }
            Step::Open(of, path, effect) => {
                let Some(work) = sink(of).work_item(&key(path)).await? else { return Ok(()) };
                let planned = Planned { effect, content: None, permissions: Permissions::default() };
                let idempotency_key = Uuid::new_v4();
                let intent = Intent {
                    path: key(path),
                    new_path: None,
                    idempotency_key,
                    planned,
                    file_type: None,
                    metadata: None,
                    resume: None,
                    run: 1,
                };
                let is_open = if effect == Effect::SetPermissions { work.permissions_intent.is_some() } else { work.intent.is_some() };
                let intents = if is_open { Vec::new() } else { vec![intent] };
                sink(of).intents_open((&work).into(), intents).await.map(drop)
            }
            Step::Applied(of, path, etag) => {
                let file = FileRecord { size: Some(3), etag: ETag::parse(etag), ..FileRecord::at(key(path)) };
                sink(of).applied_record(file, Attempts::default()).await
            }
            Step::Deleted(of, path) => sink(of).deleted_record(&key(path), Attempts::default()).await,
            Step::Refused(of, path) => sink(of).intent_refuse(&key(path), IntentKind::Content).await,
            Step::Abandoned(of, path) => sink(of).intents_abandon(&key(path)).await,
            Step::Parked(of, path, reason) => {
                let failed = Some(AttemptFailure { reason: reason.to_owned(), message: String::new() });
                sink(of).pending_park(&key(path), Attempts { failed, ..Attempts::default() }, at(1)).await
            }
            Step::Skipped(of, path) => sink(of).pending_skip(&key(path), SkipReason::Archived).await,
            Step::Suspected(of, path) => sink(of).pending_mark_possibly_deleted(&key(path)).await,
            Step::Moves(of) => move_one(sink(of)).await,
            Step::Waiting(of, what) => wait(sink(of), what).await,
            Step::Letters(what) => self.letters(what).await,
            Step::Answered(what) => self.answer(what).await,
        }
    }

    async fn receive(&self, outcome: Result<Event, Poisoned>) -> Result<(), StateError> {
        self.state.inbox().receive(vec![Received { source: EventChannel::Feed, outcome }], at(0)).await.map(drop)
    }

    async fn letters(&self, what: u8) -> Result<(), StateError> {
        let inbox = self.state.inbox();
        let letter = inbox.dead_letters(0, 1).await?.pop();
        match (what, letter) {
            (0, Some(letter)) => inbox.dead_letter_drop(letter.id).await.map(drop),
            (1, Some(letter)) => {
                let again = Received { source: EventChannel::Feed, outcome: Ok(event(EventKind::Create, 0, 0)) };
                inbox.dead_letter_replace(letter.id, vec![again], at(0)).await.map(drop)
            }
            _ => match inbox.events_batch(0, 1).await?.pop() {
                Some(row) => inbox.event_dead_letter(row, "r".to_owned(), "m".to_owned()).await,
                None => Ok(()),
            },
        }
    }

    /// The operator's answer: a sink starts over, a backup was restored, another source, or a sink less.
    async fn answer(&mut self, what: u8) -> Result<(), StateError> {
        let named = |name: &str| NamedSink { name: name.parse().expect("a name"), kind: "memory", address: name.to_owned() };
        let configured: &[&str] = if what == 3 { &["one"] } else { &["one", "two"] };
        let identity = Identity { source: "a".to_owned(), sinks: configured.iter().map(|name| named(name)).collect() };
        let mut answer = OperatorAnswer { adopt: true, new_source: what == 2, restored: what == 1, ..OperatorAnswer::default() };
        match what {
            0 => answer.new_sinks = [named("one").name].into(),
            3 => answer.drop_sinks = [named("two").name].into(),
            _ => {}
        }
        self.state.identify(identity, answer, at(0)).await?;
        self.sinks[1] = sink(&self.state, "two", Policy::default()).await;
        Ok(())
    }

    async fn drift(&self) -> Vec<String> {
        let drift = self.state.writer.call(|connection| {
            let mut statement = connection.prepare(DRIFT)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        drift.await.expect("counted")
    }
}

async fn sink(state: &State, name: &str, policy: Policy) -> SinkState {
    state.sink(name.parse::<SinkName>().expect("a name"), policy).await.expect("registered")
}

async fn move_one(sink: &SinkState) -> Result<(), StateError> {
    sink.moves_pair_by_content().await?;
    let Some(due) = sink.moves_due(None, 1).await?.pop() else { return Ok(()) };
    let done = MoveOutcome::Done { internal_id: None };
    sink.move_end((due.origin(), due.target()), done, Attempts::default()).await
}

async fn wait(sink: &SinkState, what: u8) -> Result<(), StateError> {
    match what {
        0 => sink.deletes_hold(HeldDeletes { deletes: 1, rows_when_held: 1, nothing_listed: false }).await,
        1 => sink.deletes_release().await,
        2 => sink.pending_unpark_all().await,
        3 => sink.absences_drop_unapplied().await,
        _ => sink.pending_unpark_due(Timestamp::MAX).await.map(drop),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_counter_is_the_number_of_its_rows(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut bed = Bed::new().await;
            for step in steps {
                bed.take(step.clone()).await.expect("stored");
                prop_assert_eq!(bed.drift().await, Vec::<String>::new(), "after {:?}", step);
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}
