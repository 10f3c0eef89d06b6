//! The result that runs without trouble must have, in a page: the tables of the design over plain maps.

use super::op::{KEYS, ModelEvent, Publication, Setup};
use jiff::{SignedDuration, Timestamp};
use s3_sync::plan::Renames;
use std::collections::{BTreeMap, BTreeSet};

/// A file as the reference sees it: which file it is, and what is in it.
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
    /// What the newest observation of a key found.
    seen: BTreeMap<String, Option<u8>>,
    /// Keys that a listing did not show, and that no HEAD has looked up since.
    not_listed: BTreeSet<String>,
    /// Where the file at a key came from.
    lineage: BTreeMap<String, String>,
    /// Events that the feed serves and no run has read, events of notifications, and received events: each with its time.
    unread: Vec<(Option<Timestamp>, ModelEvent)>,
    notified: Vec<(Option<Timestamp>, ModelEvent)>,
    inbox: Vec<(Timestamp, ModelEvent)>,
    /// Deletes that the guard holds, and whether because a listing showed nothing at all.
    held: BTreeSet<String>,
    nothing_listed: bool,
}

impl Reference {
    /// The reference of a sink that can rename so.
    pub(crate) fn new(renames: Renames) -> Self {
        Self { renames, ..Self::default() }
    }

    /// Whether an observation of the key that found this shows more than the sink's own: another sink has asked.
    pub(crate) fn is_news(&self, key: &str, found: Option<u8>) -> bool {
        self.seen.get(key).copied().flatten() != found
    }

    pub(crate) fn publish(&mut self, publication: Publication, now: Timestamp) {
        let at = publication.ago.map(|ago| now.checked_sub(SignedDuration::from_secs(ago.into())).expect("not so long ago"));
        let is_notification = publication.notified && matches!(publication.what, ModelEvent::Create(_) | ModelEvent::Delete(_));
        let source = if is_notification { &mut self.notified } else { &mut self.unread };
        source.push((at, publication.what));
    }

    /// What carries no time happened when it was received.
    pub(crate) fn receive(&mut self, now: Timestamp) {
        self.inbox.extend(self.notified.drain(..).map(|(at, what)| (at.unwrap_or(now), what)));
    }

    /// A listing, compared with what is held. Where any sink holds a file, the events come first (`events_read_at`): a known
    /// file that an event renamed is not a new one.
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

    /// A cycle: the events, in the order of their times; one observation of each key that they touch.
    pub(crate) fn replay(&mut self, objects: &BTreeMap<String, u8>, setup: Setup, allowed: Option<u64>, now: Timestamp) {
        self.read_events(objects, setup, now);
        // The operator allows deletes: what is held is judged anew.
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
        // A held delete is of a key that is gone: another event that it is gone sends nothing.
        self.held.retain(|key| self.seen.get(key) == Some(&None));
        // What is no move never was one: its paths are as free to be paired as if no event had reported it.
        for (target, origin) in self.lineage.clone() {
            if self.is_no_move(&target, &origin) || self.files.contains_key(&target) && !self.is_leaving(&target) {
                self.lineage.remove(&target);
            }
        }
    }

    /// a → b → c is a → c, and a → b → a is nothing.
    fn renamed(&mut self, from: &str, to: &str) {
        let origin = self.lineage.remove(from).unwrap_or_else(|| from.to_owned());
        self.lineage.remove(to);
        if origin != to && !self.is_leaving(&origin) {
            self.lineage.insert(to.to_owned(), origin);
        }
    }

    /// Moves, then contents, then deletes if they may go.
    fn settle(&mut self, objects: &BTreeMap<String, u8>, setup: Setup, allowed: Option<u64>, nothing_listed: bool) {
        for (target, origin) in self.pair_by_content() {
            // A key that a page does not show is not observed: both are looked up before the file goes, and the key may be back by now.
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
        // A bucket that shows nothing at all is more often a mistake than an intention. What is held stays held beside what comes after it.
        let judged: Vec<_> = gone.iter().filter(|key| !self.held.contains(*key)).cloned().collect();
        let limit = if nothing_listed { 0 } else { setup.max_delete }.max(allowed.unwrap_or(0));
        if judged.len() as u64 <= limit {
            // Each is looked up first: what was held may be back by now.
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

    /// One file gone and one come with the same content, and no other candidate on either side: where it came, and from where.
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

    /// Moves what can go now; what is no move is forgotten, what waits for another stays.
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

    /// Nothing went, or nothing came.
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
