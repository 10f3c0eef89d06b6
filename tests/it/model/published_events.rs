//! The published events, how they are served, and which of their permissions must hold at the end.

use super::op::{Change, KEYS, ModelEvent, Publication};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeSet;

/// The permissions of a file that are certain, each field with its reported time.
type Certain = Vec<(Field, u8, Timestamp)>;

/// All published events.
#[derive(Debug, Default)]
pub(crate) struct PublishedEvents {
    /// Only events of keys with this prefix have an effect.
    prefix: &'static str,
    /// The events that the feed serves, as JSON.
    pub(crate) feed: Vec<String>,
    /// Notifications that no reader has acknowledged, each with an id.
    pub(crate) queue: Vec<(u64, String)>,
    notifications: u64,
    /// The reported permissions: path, field, value, and time.
    permissions: Vec<(usize, Field, u8, Timestamp)>,
    /// The latest time of an event so far.
    latest: Timestamp,
    /// Fields that the process may rightly drop, because the path was absent for a while or was renamed. A later report about an
    /// existing path makes the field certain again.
    unsettled: BTreeSet<(usize, Field)>,
    /// Keys with an event without a time: its time of receipt counts, which may be later than that of all events since.
    timeless: BTreeSet<usize>,
    /// Keys that changed since an event last named them: only a listing finds the change.
    unreported: BTreeSet<usize>,
    /// Keys that changed, or that an event named.
    known: BTreeSet<usize>,
    /// The rename that was the last change of the bucket, if its target was never named by an event; and what was certain of the
    /// file's permissions.
    just_renamed: Option<((usize, usize), Certain)>,
    /// The permissions of the first path move to the second; and how many of these renames are consumed.
    taken_along: Vec<(usize, usize)>,
    consumed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Permissions,
    Owner,
}

/// The requirement for one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Exactly this value.
    Value(String),
    /// Any reported value, or a default.
    Anything,
}

impl PublishedEvents {
    pub(crate) fn new(prefix: &'static str) -> Self {
        Self { prefix, ..Self::default() }
    }

    fn is_own(&self, key: usize) -> bool {
        KEYS[key].starts_with(self.prefix)
    }

    /// Records an event. A path for which `is_there` returns true, or that no event ever named, has no delete in progress that
    /// could drop its permissions.
    pub(crate) fn publish(&mut self, publication: Publication, now: Timestamp, is_there: impl Fn(usize) -> Option<bool>) {
        let just_renamed = self.just_renamed.take();
        let new: BTreeSet<_> = publication.what.keys().into_iter().filter(|key| !self.known.contains(key)).collect();
        let is_certain = |key: usize| is_there(key).is_some_and(|there| there || new.contains(&key));
        self.known.extend(publication.what.keys());
        if publication.ago.is_none() && !matches!(publication.what, ModelEvent::Create(_)) {
            self.timeless.extend(publication.what.keys());
        }
        let at = publication.ago.map(|ago| now.checked_sub(SignedDuration::from_secs(ago.into())).expect("not so long ago"));
        match (publication.what, publication.notified) {
            (ModelEvent::Create(key), true) => self.notify("ObjectCreated:Put", key, at),
            (ModelEvent::Delete(key), true) => self.notify("ObjectRemoved:Delete", key, at),
            (event, _) => self.feed.push(event_json(event, at)),
        }
        match publication.what {
            ModelEvent::Permissions(key, value) | ModelEvent::CreateWith(key, value) => {
                self.record_permissions((key, Field::Permissions), value, at, is_certain(key));
            }
            ModelEvent::Owner(key, value) => self.record_permissions((key, Field::Owner), value, at, is_certain(key)),
            ModelEvent::Rename(from, to) => {
                self.unsettle([from, to]);
                if let Some((paths, held)) = just_renamed
                    && (paths, publication.ago) == ((from, to), Some(0))
                    && is_certain(to)
                {
                    self.take_along(paths, held);
                }
            }
            ModelEvent::Delete(key) => {
                self.unsettle([key]);
                self.unsettle_where_it_went(key);
            }
            ModelEvent::Create(_) => {}
        }
        if publication.what.has_effect() {
            let keys = publication.what.keys();
            self.unreported.retain(|key| !keys.contains(key));
        }
        self.latest = self.latest.max(at.unwrap_or(now));
    }

    fn record_permissions(&mut self, (key, field): (usize, Field), value: u8, at: Option<Timestamp>, is_certain: bool) {
        self.permissions.push((key, field, value, at.unwrap_or(Timestamp::MIN)));
        match at {
            Some(at) if is_certain && at > self.latest && !self.timeless.contains(&key) => {
                self.unsettled.retain(|known| *known != (key, field));
            }
            Some(at) if at > self.latest => {}
            // A late report: it is undetermined whether the file had been moved by then.
            Some(_) => self.unsettle_where_it_went(key),
            // The time of receipt counts: it is undetermined which of two events arrives later.
            None => {
                self.unsettled.extend([(key, field)]);
                self.unsettle_where_it_went(key);
            }
        }
    }

    /// The permissions reported for a path follow the file that was there.
    fn take_along(&mut self, (from, to): (usize, usize), held: Certain) {
        for (field, value, at) in held {
            self.permissions.push((to, field, value, at));
            self.unsettled.remove(&(to, field));
        }
        self.taken_along.push((from, to));
    }

    fn unsettle_where_it_went(&mut self, key: usize) {
        let mut went = BTreeSet::from([key]);
        for (from, to) in self.taken_along.clone() {
            if went.contains(&from) {
                went.insert(to);
                self.unsettle([to]);
            }
        }
    }

    /// The certain permissions of a path.
    fn certain(&self, key: usize) -> Certain {
        let newest = |field| {
            self.permissions.iter().filter(move |reported| (reported.0, reported.1) == (key, field)).max_by_key(|reported| reported.3)
        };
        let fields = [Field::Permissions, Field::Owner].into_iter().filter(|field| !self.unsettled.contains(&(key, *field)));
        fields.filter_map(newest).map(|reported| (reported.1, reported.2, reported.3)).collect()
    }

    /// Begins a run. If a listing finds a file gone before the event of its rename is read, its permissions are gone, too.
    pub(crate) fn begin_run(&mut self, lists: bool) {
        self.just_renamed = None;
        if lists {
            let went: Vec<_> = self.taken_along.drain(self.consumed..).map(|(_, to)| to).collect();
            self.unsettle(went);
        }
    }

    /// All events so far are consumed.
    pub(crate) fn all_consumed(&mut self) {
        self.consumed = self.taken_along.len();
    }

    fn unsettle(&mut self, keys: impl IntoIterator<Item = usize>) {
        self.unsettled.extend(keys.into_iter().flat_map(|key| [(key, Field::Permissions), (key, Field::Owner)]));
    }

    fn notify(&mut self, name: &str, key: usize, at: Option<Timestamp>) {
        self.notifications += 1;
        // One producer of three does not encode keys.
        let key = if self.notifications.is_multiple_of(3) { KEYS[key].to_owned() } else { form_urlencoded(KEYS[key]) };
        let record = json!({ "eventVersion": "2.1", "eventName": name, "eventTime": at.map(|at| at.to_string()),
                             "s3": { "bucket": { "name": "model" }, "object": { "key": key } } });
        self.queue.push((self.notifications, json!({ "Records": [record] }).to_string()));
    }

    /// A path that is absent for a while may be observed as absent, which drops its permissions. A bucket that disappears or
    /// reappears during a run causes changes that no event reports.
    pub(crate) fn changed(&mut self, change: Change, in_a_run: bool) {
        self.just_renamed = match change {
            Change::Rename(from, to) if !in_a_run && !self.known.contains(&to) && [from, to].iter().all(|key| self.is_own(*key)) => {
                Some(((from, to), self.certain(from)))
            }
            _ => None,
        };
        self.known.extend(change.keys());
        match change {
            Change::Put(key, _) | Change::Delete(key) => self.unreported.extend([key]),
            Change::Rename(from, to) => self.unreported.extend([from, to]),
            Change::Gone | Change::Back if !in_a_run => {}
            Change::Gone | Change::Back | Change::Emptied => self.unreported.extend(0..KEYS.len()),
        }
        match change {
            Change::Delete(key) | Change::Rename(key, _) => self.unsettle([key]),
            Change::Gone | Change::Back | Change::Emptied => self.unsettle(0..KEYS.len()),
            Change::Put(..) => {}
        }
    }

    /// A listing shows something at the path that is not so, and the process waits for a listing that does not.
    pub(crate) fn wrongly_listed(&mut self, key: usize) {
        self.unreported.insert(key);
        self.unsettle([key]);
    }

    /// A backup was restored: a feed serves later events again, and it is unknown which of them were consumed before.
    pub(crate) fn restored(&mut self) {
        self.some_are_lost();
    }

    /// Some events will not be received.
    pub(crate) fn some_are_lost(&mut self) {
        self.unsettle(0..KEYS.len());
        self.unreported.extend(0..KEYS.len());
    }

    /// True if an event has named the path since its last change.
    pub(crate) fn is_reported(&self, path: &str) -> bool {
        KEYS.iter().position(|key| *key == path).is_some_and(|key| !self.unreported.contains(&key))
    }

    /// The requirement for a path's field at the end.
    pub(crate) fn expected(&self, path: &str, field: Field) -> Expected {
        let Some(key) = KEYS.iter().position(|key| *key == path) else { return Expected::Anything };
        if self.unsettled.contains(&(key, field)) {
            return Expected::Anything;
        }
        // Of equal times, the later arrival.
        let newest = self.permissions.iter().filter(|reported| reported.0 == key && reported.1 == field).max_by_key(|reported| reported.3);
        newest.map_or(Expected::Anything, |reported| Expected::Value(value(field, reported.2)))
    }

    /// True if an event ever reported this value.
    pub(crate) fn was_reported(&self, field: Field, held: &str) -> bool {
        self.permissions.iter().any(|reported| reported.1 == field && value(field, reported.2) == held)
    }
}

fn value(field: Field, number: u8) -> String {
    match field {
        Field::Permissions => format!("mode-{number}"),
        Field::Owner => format!("owner-{number}"),
    }
}

/// The feed's JSON, in one of two dialects.
fn event_json(event: ModelEvent, at: Option<Timestamp>) -> String {
    let path = |key: usize| format!("/{}", KEYS[key]);
    let (kind, key, new_path, metadata) = match event {
        ModelEvent::Create(key) => ("create", key, None, json!(null)),
        ModelEvent::CreateWith(key, mode) => ("create", key, None, json!({ "permissions": value(Field::Permissions, mode) })),
        ModelEvent::Delete(key) => ("delete", key, None, json!(null)),
        ModelEvent::Rename(from, to) => (if (from + to) % 2 == 0 { "rename" } else { "move" }, from, Some(path(to)), json!({})),
        ModelEvent::Permissions(key, mode) => {
            ("change_permission", key, None, json!({ "new_permissions": value(Field::Permissions, mode) }))
        }
        ModelEvent::Owner(key, owner) => ("change_permission", key, None, json!({ "owner": value(Field::Owner, owner) })),
    };
    let mut event = json!({ "event_type": kind, "file_path": path(key), "new_path": new_path, "metadata": metadata });
    if let Some(at) = at {
        event["timestamp"] = json!(at.to_string());
    }
    event.to_string()
}

/// The encoding of keys in S3 notifications.
pub(super) fn form_urlencoded(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'/' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
