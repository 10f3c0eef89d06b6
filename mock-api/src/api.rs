//! The test double: its shared state, and the methods with which a test orders faults and inspects it. The calls are in `calls/`.

use crate::call_log::{Call, CallLog};
use crate::effects::Effects;
use crate::faults::{Fault, Faults};
use crate::feed::Feed;
use crate::files::{Files, StoredFile};
use crate::ledger::Ledger;
use crate::options::Options;
use crate::permissions::Permissions;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A file-manager API and an event feed, in memory. Clones share one state.
#[derive(Clone)]
pub struct MockApi {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) files: Mutex<Files>,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    pub(crate) effects: Mutex<Effects>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) feed: Mutex<Feed>,
    pub(crate) reports: Mutex<Vec<Value>>,
    log: Mutex<CallLog>,
    log_changed: watch::Sender<()>,
    hanging_released: watch::Sender<()>,
}

/// Every change of the state is complete or does not happen, so a poisoned lock is usable.
pub(crate) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MockApi {
    /// A double without files. A directory for contents must exist.
    pub fn new(options: Options) -> Self {
        let log = Mutex::new(CallLog::new(options.recorded_calls));
        let shared = Shared {
            options,
            files: Mutex::default(),
            ledger: Arc::default(),
            effects: Mutex::default(),
            faults: Mutex::default(),
            feed: Mutex::default(),
            reports: Mutex::default(),
            log,
            log_changed: watch::Sender::new(()),
            hanging_released: watch::Sender::new(()),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The calls so far, oldest first: the newest `Options::recorded_calls` since the last reset.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.log).calls().to_vec()
    }

    /// Number of calls since the last reset, including those no longer kept.
    pub fn calls_in_all(&self) -> u64 {
        lock(&self.shared.log).total()
    }

    /// Waits until `enough` accepts the recorded calls, now or after a change. If no calls are recorded, it waits for ever.
    pub async fn wait_for_calls(&self, mut enough: impl FnMut(&[Call]) -> bool) {
        self.wait_for_log(|api| enough(&api.calls())).await;
    }

    /// Waits for this many calls since the last reset.
    pub async fn wait_for_calls_in_all(&self, at_least: u64) {
        self.wait_for_log(|api| api.calls_in_all() >= at_least).await;
    }

    async fn wait_for_log(&self, mut enough: impl FnMut(&Self) -> bool) {
        let mut changed = self.shared.log_changed.subscribe();
        while !enough(self) {
            changed.changed().await.expect("invariant: we hold the sender");
        }
    }

    /// Forgets the calls so far, and nothing else.
    pub fn reset_calls(&self) {
        lock(&self.shared.log).reset();
    }

    /// The files by path.
    pub fn files(&self) -> BTreeMap<String, StoredFile> {
        lock(&self.shared.files).all().clone()
    }

    /// The permissions of a path: those set, or those of the rule.
    pub fn permissions(&self, path: &str) -> Permissions {
        lock(&self.shared.files).permissions.get(path).0
    }

    /// The numbers of effects by key and by path.
    pub fn effects(&self) -> Effects {
        lock(&self.shared.effects).clone()
    }

    /// The reports received, oldest first.
    pub fn reports(&self) -> Vec<Value> {
        lock(&self.shared.reports).clone()
    }

    /// Sets the feed's events: every request gets the same list.
    pub fn set_feed(&self, events: Vec<Value>) {
        *lock(&self.shared.feed) = Feed { events, pages: false };
    }

    /// Sets the feed's events, served page by page: the feed accepts `cursor=` and returns `next_cursor`.
    pub fn set_paged_feed(&self, events: Vec<Value>) {
        *lock(&self.shared.feed) = Feed { events, pages: true };
    }

    /// Orders a fault. If several match a call, the oldest applies.
    pub fn order(&self, fault: Fault) {
        lock(&self.shared.faults).order(fault);
    }

    /// The ordered faults that still apply.
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.shared.faults).ordered().to_vec()
    }

    /// Removes all ordered faults. Calls that already hang keep hanging.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Ends the calls that hang now: their connections close without a response.
    pub fn release_hanging(&self) {
        self.shared.hanging_released.send_replace(());
    }

    /// Notifies at the next release.
    pub(crate) fn next_release(&self) -> watch::Receiver<()> {
        self.shared.hanging_released.subscribe()
    }

    /// Records a call; `None` if calls are not recorded.
    pub(crate) fn log_open(&self, call: impl FnOnce() -> Call) -> Option<u64> {
        if self.shared.options.recorded_calls == 0 {
            return None;
        }
        let number = lock(&self.shared.log).open(call());
        self.shared.log_changed.send_replace(());
        Some(number)
    }

    pub(crate) fn log_update(&self, number: Option<u64>, change: impl FnOnce(&mut Call)) {
        if let Some(number) = number {
            lock(&self.shared.log).update(number, change);
            self.shared.log_changed.send_replace(());
        }
    }
}
