//! What was told, the way it is served, and what of the permissions told must hold in the end.

use super::op::{Change, KEYS, Tell, Told};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeSet;

/// All that was told.
#[derive(Debug, Default)]
pub(crate) struct Tellings {
    /// What the feed holds, each in its JSON.
    pub(crate) feed: Vec<String>,
    /// Notifications that nobody has acknowledged, by a number that stands for them.
    pub(crate) queue: Vec<(u64, String)>,
    notifications: u64,
    /// What was told of permissions: path, field, value, and its time.
    permissions: Vec<(usize, Field, u8, Timestamp)>,
    /// The latest time that was told so far.
    latest: Timestamp,
    /// What may be forgotten, rightly, since the path was not there for a while, or a rename concerned it. What is told
    /// later, of a path that is there, counts again.
    unsettled: BTreeSet<(usize, Field)>,
    /// Keys that changed since somebody spoke of them: only a listing finds them.
    untold: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Permissions,
    Owner,
}

/// What must hold of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Just this.
    Value(String),
    /// One of the values that were ever told, or what nobody told.
    Anything,
}

impl Tellings {
    /// Takes in what somebody tells now.
    pub(crate) fn tell(&mut self, tell: Tell, now: Timestamp, is_certain: impl Fn(usize) -> bool) {
        let at = tell.ago.map(|ago| now.checked_sub(SignedDuration::from_secs(ago.into())).expect("not so long ago"));
        match (tell.what, tell.notified) {
            (Told::Create(key), true) => self.notify("ObjectCreated:Put", key, at),
            (Told::Delete(key), true) => self.notify("ObjectRemoved:Delete", key, at),
            (told, _) => self.feed.push(event(told, at)),
        }
        match tell.what {
            Told::Permissions(key, value) | Told::CreateWith(key, value) => {
                self.heard((key, Field::Permissions), value, at, is_certain(key));
            }
            Told::Owner(key, value) => self.heard((key, Field::Owner), value, at, is_certain(key)),
            Told::Rename(from, to) => self.unsettle([from, to]),
            Told::Delete(key) => self.unsettle([key]),
            Told::Create(_) => {}
        }
        if tell.what.is_heeded() {
            let keys = tell.what.keys();
            self.untold.retain(|key| !keys.contains(key));
        }
        self.latest = self.latest.max(at.unwrap_or(now));
    }

    fn heard(&mut self, (key, field): (usize, Field), value: u8, at: Option<Timestamp>, is_certain: bool) {
        self.permissions.push((key, field, value, at.unwrap_or(Timestamp::MIN)));
        match at {
            Some(at) if is_certain && at > self.latest => self.unsettled.retain(|known| *known != (key, field)),
            Some(_) => {}
            // The time of receipt counts: which of two was received later is the process's own affair.
            None => self.unsettled.extend([(key, field)]),
        }
    }

    fn unsettle(&mut self, keys: impl IntoIterator<Item = usize>) {
        self.unsettled.extend(keys.into_iter().flat_map(|key| [(key, Field::Permissions), (key, Field::Owner)]));
    }

    fn notify(&mut self, name: &str, key: usize, at: Option<Timestamp>) {
        self.notifications += 1;
        let key = form_urlencoded(KEYS[key]);
        let record = json!({ "eventVersion": "2.1", "eventName": name, "eventTime": at.map(|at| at.to_string()),
                             "s3": { "bucket": { "name": "model" }, "object": { "key": key } } });
        self.queue.push((self.notifications, json!({ "Records": [record] }).to_string()));
    }

    /// A path that is not there for a while may be found so, and what was told of it goes. A bucket that goes or comes while
    /// a run looks shows it things that nobody tells.
    pub(crate) fn changed(&mut self, change: Change, in_a_run: bool) {
        match change {
            Change::Put(key, _) | Change::Delete(key) => self.untold.extend([key]),
            Change::Rename(from, to) => self.untold.extend([from, to]),
            Change::Gone | Change::Back if !in_a_run => {}
            Change::Gone | Change::Back | Change::Emptied => self.untold.extend(0..KEYS.len()),
        }
        match change {
            Change::Delete(key) | Change::Rename(key, _) => self.unsettle([key]),
            Change::Gone | Change::Back | Change::Emptied => self.unsettle(0..KEYS.len()),
            Change::Put(..) => {}
        }
    }

    /// A backup was put back: what was told since is told again by a feed, and which of it was used before is not known.
    pub(crate) fn restored(&mut self) {
        self.unsettle(0..KEYS.len());
        self.some_are_lost();
    }

    /// Some of what was told will not be heard.
    pub(crate) fn some_are_lost(&mut self) {
        self.untold.extend(0..KEYS.len());
    }

    /// Whether somebody spoke of the path since it changed last.
    pub(crate) fn is_told(&self, path: &str) -> bool {
        KEYS.iter().position(|key| *key == path).is_some_and(|key| !self.untold.contains(&key))
    }

    /// What must be held of a path's field in the end.
    pub(crate) fn expected(&self, path: &str, field: Field) -> Expected {
        let Some(key) = KEYS.iter().position(|key| *key == path) else { return Expected::Anything };
        if self.unsettled.contains(&(key, field)) {
            return Expected::Anything;
        }
        // Of equal times, the later arrival.
        let newest = self.permissions.iter().filter(|told| told.0 == key && told.1 == field).max_by_key(|told| told.3);
        newest.map_or(Expected::Anything, |told| Expected::Value(value(field, told.2)))
    }

    /// Whether somebody ever told this value.
    pub(crate) fn was_told(&self, field: Field, held: &str) -> bool {
        self.permissions.iter().any(|told| told.1 == field && value(field, told.2) == held)
    }
}

fn value(field: Field, number: u8) -> String {
    match field {
        Field::Permissions => format!("mode-{number}"),
        Field::Owner => format!("owner-{number}"),
    }
}

/// As the feed serves it, in one dialect or the other.
fn event(told: Told, at: Option<Timestamp>) -> String {
    let path = |key: usize| format!("/{}", KEYS[key]);
    let (kind, key, new_path, metadata) = match told {
        Told::Create(key) => ("create", key, None, json!(null)),
        Told::CreateWith(key, mode) => ("create", key, None, json!({ "permissions": value(Field::Permissions, mode) })),
        Told::Delete(key) => ("delete", key, None, json!(null)),
        Told::Rename(from, to) => (if (from + to) % 2 == 0 { "rename" } else { "move" }, from, Some(path(to)), json!({})),
        Told::Permissions(key, mode) => ("change_permission", key, None, json!({ "new_permissions": value(Field::Permissions, mode) })),
        Told::Owner(key, owner) => ("change_permission", key, None, json!({ "owner": value(Field::Owner, owner) })),
    };
    let mut event = json!({ "event_type": kind, "file_path": path(key), "new_path": new_path, "metadata": metadata });
    if let Some(at) = at {
        event["timestamp"] = json!(at.to_string());
    }
    event.to_string()
}

/// As S3 writes keys into its notifications.
fn form_urlencoded(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'/' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
