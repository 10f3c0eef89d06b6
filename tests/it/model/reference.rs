//! The required result of runs without trouble: the decision tables of the design over plain maps.

use super::op::{KEYS, ModelEvent, Publication, Setup};
use jiff::{SignedDuration, Timestamp};
use s3_sync::plan::Renames;
use std::collections::{BTreeMap, BTreeSet};

/// A file as the reference sees it: id and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) content: u8,
}

/// What a sink must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    renames: Renames,
    pub(crate) files: BTreeMap<String, File>,
    ids: u64,
    /// The newest observation of each key.
    seen: BTreeMap<String, Option<u8>>,
    /// Keys that a listing did not show and that no HEAD has looked up since.
    not_listed: BTreeSet<String>,
    /// The origin of a renamed file, by target.
    lineage: BTreeMap<String, String>,
    /// Events that the feed serves and no run has read, events of notifications, and received events: each with its time.
    unread: Vec<(Option<Timestamp>, ModelEvent)>,
    notified: Vec<(Option<Timestamp>, ModelEvent)>,
    inbox: Vec<(Timestamp, ModelEvent)>,
    /// Deletes that the guard holds, and whether because a listing showed no file.
    held: BTreeSet<String>,
    nothing_listed: bool,
}

impl Reference {
    /// The reference for a sink with these renames.
    pub(crate) fn new(renames: Renames) -> Self {
        Self { renames, ..Self::default() }
    }

    /// True if an observation of the key differs from the newest one in this reference: another sink has looked the key up.
    pub(crate) fn is_news(&self, key: &str, found: Option<u8>) -> bool {
        self.seen.get(key).copied().flatten() != found
    }

    pub(crate) fn publish(&mut self, publication: Publication, now: Timestamp) {
        let at = publication.ago.map(|ago| now.checked_sub(SignedDuration::from_secs(ago.into())).expect("not so long ago"));
        let is_notification = publication.notified && matches!(publication.what, ModelEvent::Create(_) | ModelEvent::Delete(_));
        let source = if is_notification { &mut self.notified } else { &mut self.unread };
        source.push((at, publication.what));
    }

    /// An event without a time has the time of its receipt.
    pub(crate) fn receive(&mut self, now: Timestamp) {
        self.inbox.extend(self.notified.drain(..).map(|(at, what)| (at.unwrap_or(now), what)));
    }

    /// Applies a listing. If any sink holds a file, the events come first (`events_read_at`): a known file that an event renamed
    /// is not a new one.
    pub(crate) fn list(&mut self, objects: &BTreeMap<String, u8>, setup: Setup, allowed: Option<u64>, events_read_at: Option<Timestamp>) {
        if let Some(now) = events_read_at {
            self.read_events(objects, setup, now);
        }
        let held: Vec<_> = self.files.keys().filter(|key| key.starts_with(setup.prefix)).cloned().collect();
        self.not_listed = held.iter().filter(|key| !objects.contains_key(*key)).cloned().collect();
        self.seen.extend(held.into_iter().map(|key| (key, None)));
        let listed: Vec<_> = objects.iter().filter(|(key, _)| key.starts_with(setup.prefix)).collect();
        self.seen.extend(listed.iter().map(|(key, content)| ((*key).clone(), Some(**content))));
        let nothing_listed = listed.is_empty();
        self.held.clear();
        self.settle(objects, setup, allowed, nothing_listed);
    }

    /// Applies a cycle: the events in order of their times, and one observation of each key that they name.
    pub(crate) fn replay(&mut self, objects: &BTreeMap<String, u8>, setup: Setup, allowed: Option<u64>, now: Timestamp) {
        self.read_events(objects, setup, now);
        // The operator allows deletes, so the held ones are judged again.
        let nothing_listed = allowed.is_some() && self.nothing_listed && !self.held.is_empty();
        if allowed.is_some() {
            self.held.clear();
        }
        self.settle(objects, setup, allowed, nothing_listed);
    }

    fn read_events(&mut self, objects: &BTreeMap<String, u8>, setup: Setup, now: Timestamp) {
        self.inbox.extend(self.unread.drain(..).map(|(at, what)| (at.unwrap_or(now), what)));
        self.inbox.sort_by_key(|(at, _)| *at);
        let mut touched = BTreeSet::new();
        let own = |key: usize| KEYS[key].starts_with(setup.prefix);
        for (_, what) in std::mem::take(&mut self.inbox) {
            if !what.has_effect() {
                continue;
            }
            if let ModelEvent::Rename(from, to) = what
                && own(from)
                && own(to)
            {
                self.renamed(KEYS[from], KEYS[to]);
            }
            touched.extend(what.keys().into_iter().filter(|key| own(*key)).map(|key| KEYS[key]));
        }
        self.not_listed.retain(|key| !touched.contains(key.as_str()));
        self.seen.extend(touched.iter().map(|key| ((*key).to_owned(), objects.get(*key).copied())));
        // A held delete concerns a key that is gone: another event about its deletion changes nothing.
        self.held.retain(|key| self.seen.get(key) == Some(&None));
        // A refuted move hint is removed: its paths may then be paired as if no event had reported it.
        for (target, origin) in self.lineage.clone() {
            if self.is_no_move(&target, &origin) || self.files.contains_key(&target) && !self.is_leaving(&target) {
                self.lineage.remove(&target);
            }
        }
    }

    /// a → b → c becomes a → c; a → b → a cancels out.
    fn renamed(&mut self, from: &str, to: &str) {
        let origin = self.lineage.remove(from).unwrap_or_else(|| from.to_owned());
        self.lineage.remove(to);
        if origin != to && !self.is_leaving(&origin) {
            self.lineage.insert(to.to_owned(), origin);
        }
    }

    /// Applies moves, then contents, then the deletes that are released.
    fn settle(&mut self, objects: &BTreeMap<String, u8>, setup: Setup, allowed: Option<u64>, nothing_listed: bool) {
        for (target, origin) in self.pair_by_content() {
            // A key that a page did not show is not yet observed: both are looked up before the move, and the key may be back.
            if self.not_listed.remove(&origin) {
                self.seen.extend([target, origin].map(|key| (key.clone(), objects.get(&key).copied())));
            }
        }
        while self.move_some() {}
        self.lineage.clear();
        for (key, content) in self.seen.clone() {
            if let Some(content) = content {
                self.ids += 1;
                let new = File { id: self.ids, content };
                self.files.entry(key).and_modify(|file| file.content = content).or_insert(new);
            }
        }
        let gone: Vec<_> = self.files.keys().filter(|key| self.seen.get(*key) == Some(&None)).cloned().collect();
        // An empty bucket is more often a mistake than intended. Earlier held deletes stay held.
        let judged: Vec<_> = gone.iter().filter(|key| !self.held.contains(*key)).cloned().collect();
        let limit = if nothing_listed { 0 } else { setup.max_delete }.max(allowed.unwrap_or(0));
        if judged.len() as u64 <= limit {
            // Each is looked up first: a held key may be back.
            self.seen.extend(judged.iter().map(|key| (key.clone(), objects.get(key).copied())));
            self.files.retain(|key, file| {
                file.content = objects.get(key).filter(|_| judged.contains(key)).copied().unwrap_or(file.content);
                !judged.contains(key) || objects.contains_key(key)
            });
        } else {
            self.nothing_listed = nothing_listed || self.nothing_listed && !self.held.is_empty();
            self.held = gone.into_iter().collect();
        }
    }

    /// Pairs one gone and one new file of the same content, if neither has another candidate. Returns target and origin.
    fn pair_by_content(&mut self) -> Vec<(String, String)> {
        if self.renames == Renames::None {
            return Vec::new();
        }
        let free = |key: &String| !self.lineage.contains_key(key) && !self.lineage.values().any(|origin| origin == key);
        let went: Vec<_> = self.files.iter().filter(|(key, _)| free(key) && self.seen.get(*key) == Some(&None)).collect();
        let came: Vec<_> = self.seen.iter().filter(|(key, _)| free(key) && !self.files.contains_key(*key)).collect();
        let mut pairs = Vec::new();
        for content in 1..=u8::MAX {
            let went: Vec<_> = went.iter().filter(|(_, file)| file.content == content).collect();
            let came: Vec<_> = came.iter().filter(|(_, seen)| **seen == Some(content)).collect();
            if let ([went], [came]) = (&went[..], &came[..]) {
                pairs.push((came.0.clone(), went.0.clone()));
            }
        }
        self.lineage.extend(pairs.clone());
        pairs
    }

    /// Applies the moves that are possible now, drops refuted ones, and keeps waiting ones.
    fn move_some(&mut self) -> bool {
        let mut done = false;
        for (target, origin) in self.lineage.clone() {
            let is_no_move = self.is_no_move(&target, &origin);
            if !is_no_move && self.files.contains_key(&target) && self.is_leaving(&target) {
                continue;
            }
            self.lineage.remove(&target);
            done = true;
            if !is_no_move && !self.files.contains_key(&target) {
                let file = self.files.remove(&origin).expect("it is held");
                self.files.insert(target, file);
            }
        }
        done
    }

    /// True if the file is still at the origin, or not at the target.
    fn is_no_move(&self, target: &str, origin: &str) -> bool {
        let seen = |key: &str| self.seen.get(key).copied().flatten();
        let directory = |key: &str| key.rsplit_once('/').map_or(String::new(), |(directory, _)| directory.to_owned());
        let can = match self.renames {
            Renames::None => false,
            Renames::SameDirectory => directory(origin) == directory(target),
            Renames::Any => true,
        };
        !can || self.files.get(origin).is_none_or(|held| seen(origin) == Some(held.content)) || seen(target).is_none()
    }

    fn is_leaving(&self, path: &str) -> bool {
        self.lineage.values().any(|origin| origin == path)
    }
}
