//! The sinks of the world: their files, their condition, and what may be missing. `file_manager.rs` implements their calls.

use super::files::Files;
use super::op::{ApiTrouble, Condition, Fate, Setup};
use s3_sync::plan::Policy;
use s3_sync::record::SinkName;
use s3_sync::state::NamedSink;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use uuid::Uuid;

/// One sink.
pub(crate) struct Sink {
    pub(crate) name: SinkName,
    pub(crate) policy: Policy,
    /// Concurrent calls; `None` = no limit.
    pub(crate) connections: Option<usize>,
    pub(crate) files: Files,
    /// The copy of its files.
    copy: Option<Files>,
    pub(crate) condition: Condition,
    /// Trouble of its next calls. (The file manager meets the trouble of the APIs.)
    pub(crate) trouble: VecDeque<ApiTrouble>,
    /// The keys of the deletes that were sent, whatever their outcome.
    pub(crate) deletes_sent: BTreeSet<Uuid>,
    pub(crate) was_started_over: bool,
    /// It was started over, and nothing has been listed since: cycles alone do not send everything.
    pub(crate) is_unlisted: bool,
    /// Files that the state cannot know: created after the restored backup was made, or before the sink was started over. Their
    /// objects may be gone by now.
    pub(crate) unknowable: BTreeSet<String>,
    /// The files that it held when it was started over: the state never learns which of their objects are gone.
    pub(crate) left_behind: BTreeSet<String>,
    /// Its paths when the state's backup was made.
    pub(crate) held_at_backup: Option<BTreeSet<String>>,
    /// Calls of this run that failed because of its condition.
    pub(crate) failed_calls: u64,
    /// The duration of this run before the sink's last effect.
    pub(crate) last_effect: Duration,
}

impl Sink {
    fn new(name: SinkName, policy: Policy, connections: Option<usize>) -> Self {
        Self {
            name,
            policy,
            connections,
            files: Files::default(),
            copy: None,
            condition: Condition::Up,
            trouble: VecDeque::new(),
            deletes_sent: BTreeSet::new(),
            was_started_over: false,
            is_unlisted: false,
            unknowable: BTreeSet::new(),
            left_behind: BTreeSet::new(),
            held_at_backup: None,
            failed_calls: 0,
            last_effect: Duration::ZERO,
        }
    }

    /// The sinks of a history.
    pub(crate) fn all(setup: Setup) -> Vec<Self> {
        let second = setup.second.map(|second| {
            let policy = Policy { permissions: second.permissions, renames: second.renames, ..Policy::default() };
            Self::new("second".parse().expect("a name"), policy, Some(second.connections))
        });
        [Self::new(SinkName::file_manager(), Policy::default(), None)].into_iter().chain(second).collect()
    }

    /// The sink as the operator configures it.
    pub(crate) fn configured(&self) -> NamedSink {
        NamedSink { name: self.name.clone(), kind: "model", address: "model".to_owned() }
    }

    pub(crate) fn begin_run(&mut self) {
        (self.failed_calls, self.last_effect) = (0, Duration::ZERO);
    }

    pub(crate) fn held(&self) -> BTreeSet<String> {
        self.files.by_path.keys().cloned().collect()
    }

    /// The paths of which the state knows what the sink holds.
    pub(crate) fn known_to_the_state(&self) -> BTreeSet<String> {
        self.held().difference(&self.files.may_be_sent_again).cloned().collect()
    }

    /// The file's id at each path.
    pub(crate) fn ids(&self) -> BTreeMap<String, u64> {
        self.files.by_path.iter().map(|(path, file)| (path.clone(), file.id)).collect()
    }

    /// Changes the sink.
    pub(crate) fn meets(&mut self, fate: Fate) {
        match fate {
            Fate::Turns(condition) => self.condition = condition,
            Fate::Copied => self.copy = Some(self.files.clone()),
            Fate::SetBack => self.files.set_back(self.copy.clone()),
            Fate::New => {
                self.files.start_over();
                self.unknowable.extend(self.held());
                self.left_behind = self.held();
                (self.was_started_over, self.is_unlisted) = (true, true);
            }
        }
    }

    /// A backup of the state was restored, so the state does not know later changes.
    pub(crate) fn state_was_set_back(&mut self) {
        let Some(known) = &self.held_at_backup else { return };
        let since: Vec<_> = self.held().difference(known).cloned().collect();
        self.files.may_be_sent_again.extend(since.iter().cloned());
        self.unknowable.extend(since);
    }
}
