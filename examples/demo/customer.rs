//! The customer: works in the bucket, and somebody tells the feed of it. Keeps a book of what was told of permissions, to be held
//! against the file manager at the end.

use crate::stage::{BUCKET, Stage};
use bytes::Bytes;
use s3_sync::clock::Clock as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the customer did that the bucket alone does not show.
#[derive(Default)]
pub(crate) struct Customer {
    /// The feed's list, which is served whole each time it is asked for.
    feed: Vec<Value>,
    /// The permissions told last, by the path where the file is now.
    pub(crate) told: BTreeMap<String, String>,
}

impl Customer {
    /// S3 knows no rename: it is a copy, and a delete.
    pub(crate) fn renames(&mut self, stage: &Stage, from: &str, to: &str) {
        let body = stage.bucket().body(BUCKET, from).unwrap_or_default();
        stage.bucket().put(BUCKET, to, body, None);
        stage.bucket().remove(BUCKET, from);
        if let Some(told) = self.told.remove(from) {
            self.told.insert(to.to_owned(), told);
        }
    }

    /// An event for the feed. Returns its place.
    pub(crate) fn tells(&mut self, stage: &Stage, kind: &str, path: &str) -> usize {
        self.feed.push(json!({
            "event_type": kind,
            "file_path": path,
            "new_path": null,
            "metadata": null,
            "timestamp": stage.clock.now().to_string(),
        }));
        self.feed.len() - 1
    }

    pub(crate) fn tells_of_a_way(&mut self, stage: &Stage, kind: &str, (from, to): (&str, &str)) {
        let place = self.tells(stage, kind, from);
        self.feed[place]["new_path"] = json!(to);
    }

    pub(crate) fn tells_permissions(&mut self, stage: &Stage, kind: &str, (path, permissions): (&str, &str)) -> usize {
        let place = self.tells(stage, kind, path);
        self.feed[place]["metadata"] = json!({ "permissions": permissions });
        self.told.insert(path.to_owned(), permissions.to_owned());
        place
    }

    /// An event that was told comes once more.
    pub(crate) fn repeats(&mut self, place: usize) {
        self.feed.push(self.feed[place].clone());
    }

    /// From now on the feed serves all that was told. Returns how many events that is.
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

/// Takes all files out of the bucket, by mistake.
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
