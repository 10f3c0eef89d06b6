//! Everything that is simulated: the bucket, the APIs, the time, and the points at which trouble strikes. `bucket.rs` and
//! `file_manager.rs` implement the calls.

use super::counts::Counts;
use super::dice::Dice;
use super::evidence::Evidence;
use super::op::{ApiTrouble, Change, KEYS, Lie, Publication, S3Trouble, Setup, Trouble};
use super::published_events::PublishedEvents;
use super::sinks::Sink;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use s3_sync::apply::StopSignal;
use s3_sync::clock::Clock;
use s3_sync::record::ObjectKey;
use s3_sync::s3::{MemoryBucket, MemoryObject};
use s3_sync::state::CommitGate;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// No run has this many points: one with more loops for ever.
const POINTS_MOST: u16 = 2_000;

/// Shared by the endpoints, the commit gate, and the machine that plays a history.
pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) bucket: MemoryBucket,
    inner: Mutex<Inner>,
    died: Notify,
}

/// The changing part.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own: the bucket, the run, the process")]
pub(crate) struct Inner {
    /// The bucket's objects, whether or not the bucket can be found.
    pub(crate) objects: BTreeMap<String, u8>,
    pub(crate) present: bool,
    /// The sinks; the file manager is the first.
    pub(crate) sinks: Vec<Sink>,
    pub(crate) evidence: Evidence,
    pub(crate) published: PublishedEvents,
    pub(crate) now: Timestamp,
    /// Trouble of this run that has not struck yet.
    pub(crate) armed: Vec<(u16, Trouble)>,
    pub(crate) s3_trouble: VecDeque<S3Trouble>,
    /// How the next pages of listings are wrong, in this run or a later one.
    pub(crate) lies: VecDeque<Lie>,
    pub(crate) api_trouble: VecDeque<ApiTrouble>,
    /// Points passed in this run, and in total.
    points: (u16, u64),
    /// True during a run.
    in_a_run: bool,
    /// The start of the run, by the runtime's clock.
    pub(crate) run_began: Option<Instant>,
    pub(crate) run_took: Duration,
    /// True if the bucket was changed during this run.
    pub(crate) changed_in_run: bool,
    /// True if this run listed from the start. A run that continues its predecessor's listing knows what that one showed.
    pub(crate) listed_anew: bool,
    /// True if a listing of this run showed fewer or more objects than there are.
    pub(crate) listing_lied: bool,
    /// True if any listing showed an object that did not exist.
    pub(crate) phantom_shown: bool,
    /// True once the process is dead: it does nothing more.
    dead: bool,
    pub(crate) stop_signal: StopSignal,
    pub(crate) counts: Counts,
    /// The file's id at each path of each sink, when everything was in sync.
    pub(crate) ids: Option<Vec<BTreeMap<String, u64>>>,
    /// The permissions in the state at that time, by sink and path.
    pub(crate) said: BTreeMap<(String, String), Option<String>>,
    pub(crate) trace: Vec<String>,
    pub(crate) violations: Vec<String>,
}

impl World {
    pub(crate) fn new(setup: Setup) -> Arc<Self> {
        let inner = Inner {
            objects: BTreeMap::new(),
            present: true,
            sinks: Sink::all(setup),
            evidence: Evidence::default(),
            published: PublishedEvents::new(setup.prefix),
            now: Timestamp::from_second(1_800_000_000).expect("a moment"),
            armed: Vec::new(),
            s3_trouble: VecDeque::new(),
            lies: VecDeque::new(),
            api_trouble: VecDeque::new(),
            points: (0, 0),
            in_a_run: false,
            run_began: None,
            run_took: Duration::ZERO,
            changed_in_run: false,
            listed_anew: false,
            listing_lied: false,
            phantom_shown: false,
            dead: false,
            stop_signal: StopSignal::default(),
            counts: Counts::default(),
            ids: None,
            said: BTreeMap::new(),
            trace: Vec::new(),
            violations: Vec::new(),
        };
        Arc::new(Self { setup, bucket: MemoryBucket::new("model"), inner: Mutex::new(inner), died: Notify::new() })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a run, with its stop signal.
    pub(crate) fn begin_run(&self, stop_signal: StopSignal) {
        let mut inner = self.lock();
        inner.evidence.next_run();
        (inner.points.0, inner.stop_signal) = (0, stop_signal);
        (inner.in_a_run, inner.changed_in_run, inner.listed_anew, inner.listing_lied) = (true, false, false, false);
        inner.sinks.iter_mut().for_each(Sink::begin_run);
    }

    /// Ends a run: trouble that has not struck is discarded.
    pub(crate) fn end_run(&self) {
        let mut inner = self.lock();
        inner.in_a_run = false;
        inner.armed.clear();
        inner.s3_trouble.clear();
        inner.api_trouble.clear();
        inner.sinks.iter_mut().for_each(|sink| sink.trouble.clear());
    }

    /// Starts a process.
    pub(crate) fn come_to_life(&self) {
        self.lock().dead = false;
    }

    /// Returns when the process is to be killed.
    pub(crate) async fn death(&self) {
        // A notice (`Notify`) for an earlier process may be left.
        while !self.lock().dead {
            self.died.notified().await;
        }
    }

    /// A point at which other tasks may run first, trouble may strike, and the process may be killed.
    pub(crate) async fn point(&self) {
        let Some(turns) = self.pass() else {
            self.died.notify_one();
            return std::future::pending().await;
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    /// How often other tasks run first; `None` = the process is dead.
    fn pass(&self) -> Option<u64> {
        let mut inner = self.lock();
        inner.points = (inner.points.0.saturating_add(1), inner.points.1 + 1);
        if inner.points.0 == POINTS_MOST {
            inner.violated(format!("a run does not end: {POINTS_MOST} points, and no end"));
            inner.dead = true;
        }
        let (now, later) = std::mem::take(&mut inner.armed).into_iter().partition(|(at, _)| *at <= inner.points.0);
        inner.armed = later;
        for (_, trouble) in now {
            self.strike(&mut inner, trouble);
        }
        (!inner.dead).then(|| Dice::new(self.setup.seed ^ (inner.points.1 << 20)).below(4))
    }

    fn strike(&self, inner: &mut Inner, trouble: Trouble) {
        if inner.dead {
            return;
        }
        inner.note(format_args!("     ! {trouble:?}"));
        match trouble {
            Trouble::Change(change) => {
                inner.changed_in_run = true;
                inner.counts.add("changes during a run");
                self.change(inner, change);
            }
            Trouble::Publish(publication) => {
                inner.counts.add("events during a run");
                inner.publish(publication);
            }
            Trouble::S3(trouble) => inner.s3_trouble.push_back(trouble),
            Trouble::Listing(lie) => inner.lies.push_back(lie),
            Trouble::Api(trouble) => inner.api_trouble.push_back(trouble),
            Trouble::Second(trouble) => inner.sinks.iter_mut().skip(1).for_each(|sink| sink.trouble.push_back(trouble)),
            Trouble::Crash => {
                inner.counts.add("crashes at a point");
                inner.dead = true;
            }
            Trouble::Stop => {
                inner.counts.add("stops");
                inner.stop_signal.stop(None);
            }
        }
    }

    /// Changes the bucket.
    pub(crate) fn change(&self, inner: &mut Inner, change: Change) {
        if change == Change::Back && inner.present {
            return;
        }
        inner.counts.add(change.name());
        let in_a_run = inner.in_a_run;
        inner.published.changed(change, in_a_run);
        match change {
            Change::Put(key, content) => self.put(inner, KEYS[key], content),
            Change::Delete(key) => self.delete(inner, KEYS[key]),
            Change::Rename(from, to) if from != to => {
                if let Some(content) = inner.objects.get(KEYS[from]).copied() {
                    self.put(inner, KEYS[to], content);
                    self.delete(inner, KEYS[from]);
                }
            }
            Change::Rename(..) => {}
            Change::Gone => inner.present = false,
            Change::Back => inner.present = true,
            Change::Emptied => {
                inner.present = true;
                for key in KEYS {
                    self.delete(inner, key);
                }
            }
        }
    }

    fn put(&self, inner: &mut Inner, key: &str, content: u8) {
        inner.objects.insert(key.to_owned(), content);
        self.bucket.put(object_key(key), MemoryObject::new(bytes_of(content)));
    }

    fn delete(&self, inner: &mut Inner, key: &str) {
        inner.objects.remove(key);
        self.bucket.remove(&object_key(key));
    }
}

impl Inner {
    /// Publishes an event.
    pub(crate) fn publish(&mut self, publication: Publication) {
        self.counts.add(publication.name());
        let Self { published, objects, now, in_a_run, .. } = self;
        // A run may have observed a later state before it consumes the event.
        let is_there = |key: usize| (!*in_a_run).then(|| objects.contains_key(KEYS[key]));
        published.publish(publication, *now, is_there);
    }

    /// Writes a line of the trace.
    pub(crate) fn note(&mut self, line: fmt::Arguments<'_>) {
        self.trace.push(line.to_string());
    }

    /// Records a violation.
    pub(crate) fn violated(&mut self, what: String) {
        self.trace.push(format!("     X {what}"));
        self.violations.push(what);
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).expect("not so long");
    }
}

/// The bytes of a content; content 0 is empty, and some contents have the same length.
pub(crate) fn bytes_of(content: u8) -> Vec<u8> {
    if content == 0 { Vec::new() } else { format!("content {content}{}", "!".repeat(usize::from(content) / 2)).into_bytes() }
}

pub(crate) fn object_key(key: &str) -> ObjectKey {
    ObjectKey::new(key).expect("not empty")
}

#[async_trait]
impl CommitGate for World {
    async fn before_commit(&self) {
        self.point().await;
    }

    async fn after_commit(&self) {
        self.point().await;
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.lock().now
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("setup", &self.setup).finish_non_exhaustive()
    }
}
