//! The customer: changes the bucket and publishes the events. Records the permissions reported by events, for the comparison with the
//! file manager at the end.

use crate::stage::{BUCKET, Stage};
use bytes::Bytes;
use s3_sync::clock::Clock as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The customer's events, which the bucket does not show.
#[derive(Default)]
pub(crate) struct Customer {
    /// The feed's list, served whole to every request.
    feed: Vec<Value>,
    /// The permissions reported last, by the file's current path.
    pub(crate) permissions: BTreeMap<String, String>,
}

impl Customer {
    /// S3 has no rename: it is a copy and a delete.
    pub(crate) fn renames(&mut self, stage: &Stage, from: &str, to: &str) {
        let body = stage.bucket().body(BUCKET, from).unwrap_or_default();
        stage.bucket().put(BUCKET, to, body, None);
        stage.bucket().remove(BUCKET, from);
        if let Some(permissions) = self.permissions.remove(from) {
            self.permissions.insert(to.to_owned(), permissions);
        }
    }

    /// Adds an event to the feed. Returns its position.
    pub(crate) fn sends(&mut self, stage: &Stage, kind: &str, path: &str) -> usize {
        self.feed.push(json!({
            "event_type": kind,
            "file_path": path,
            "new_path": null,
            "metadata": null,
            "timestamp": stage.clock.now().to_string(),
        }));
        self.feed.len() - 1
    }

    pub(crate) fn sends_move(&mut self, stage: &Stage, kind: &str, (from, to): (&str, &str)) {
        let position = self.sends(stage, kind, from);
        self.feed[position]["new_path"] = json!(to);
    }

    pub(crate) fn sends_permissions(&mut self, stage: &Stage, kind: &str, (path, permissions): (&str, &str)) -> usize {
        let position = self.sends(stage, kind, path);
        self.feed[position]["metadata"] = json!({ "permissions": permissions });
        self.permissions.insert(path.to_owned(), permissions.to_owned());
        position
    }

    /// Repeats an event.
    pub(crate) fn repeats(&mut self, position: usize) {
        self.feed.push(self.feed[position].clone());
    }

    /// Makes the feed serve all events so far. Returns their number.
    pub(crate) fn publishes(&self, stage: &Stage) -> usize {
        stage.file_manager().set_feed(self.feed.clone());
        self.feed.len()
    }
}

pub(crate) fn puts(stage: &Stage, key: &str, body: &'static str) {
    stage.bucket().put(BUCKET, key, body, None);
}

pub(crate) fn removes(stage: &Stage, key: &str) {
    stage.bucket().remove(BUCKET, key);
}

/// The keys of all objects that are files.
pub(crate) fn keys(stage: &Stage) -> Vec<String> {
    let objects = stage.bucket().objects(BUCKET);
    objects.into_iter().map(|object| object.key).filter(|key| !key.ends_with('/')).collect()
}

/// Deletes all files of the bucket, by mistake.
pub(crate) fn empties(stage: &Stage) -> Vec<(String, Bytes)> {
    let backup: Vec<_> = keys(stage).into_iter().map(|key| (key.clone(), stage.bucket().body(BUCKET, &key).unwrap_or_default())).collect();
    for (key, _) in &backup {
        stage.bucket().remove(BUCKET, key);
    }
    backup
}

/// Puts them back from a backup.
pub(crate) fn restores(stage: &Stage, backup: Vec<(String, Bytes)>) {
    for (key, body) in backup {
        stage.bucket().put(BUCKET, &key, body, None);
    }
}
