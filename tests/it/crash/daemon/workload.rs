//! Changes in the bucket, the events that report them, and what must hold for both at the end.

use super::super::random::Random;
use super::super::scene::BUCKET;
use crate::crash::{Scene, key};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Names that need an encoding on the wire.
const DIRECTORIES: [&str; 4] = ["records", "reports/2024", "ü + %41", "a&b=c"];
const NAMES_IN_A_DIRECTORY: usize = 40;
/// With this many files, nothing is created until something is deleted.
const FILES_MOST: usize = 90;

/// How often something happened to a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lives {
    /// It was created.
    pub(super) born: u64,
    /// It was deleted or renamed.
    pub(super) gone: u64,
    /// It was renamed.
    pub(super) renamed: u64,
}

pub(super) struct Workload {
    random: Random,
    alive: BTreeSet<String>,
    lives: BTreeMap<String, Lives>,
    /// The permissions last reported for each existing path.
    pub(super) reported: BTreeMap<String, String>,
    events: Vec<Value>,
    bodies: usize,
    by_kind: BTreeMap<&'static str, usize>,
}

/// When a change happens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// While no daemon runs.
    Between,
    /// During a daemon's cycle.
    Amid,
}

impl Workload {
    /// A workload that starts with this many objects.
    pub(super) fn of(seed: u64, objects: usize) -> Self {
        let alive: BTreeSet<_> = (0..objects).map(key).collect();
        let born = |path: &String| (path.clone(), Lives { born: 1, ..Lives::default() });
        Self {
            random: Random::of(seed),
            lives: alive.iter().map(born).collect(),
            alive,
            reported: BTreeMap::new(),
            events: Vec::new(),
            bodies: 0,
            by_kind: BTreeMap::new(),
        }
    }

    /// What happened to a path. An initial file counts as created once.
    pub(super) fn lives_of(&self, path: &str) -> Lives {
        self.lives.get(path).copied().unwrap_or_default()
    }

    /// The number of published events.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn print(&self) {
        println!("{:>5}  events: {:?}", self.len(), self.by_kind);
    }

    /// Changes the bucket and publishes the events, until this many were published in total. Every change has its event.
    pub(super) fn go_on(&mut self, scene: &Scene, up_to: usize, when: When) {
        if self.len() >= up_to {
            return;
        }
        while self.len() < up_to {
            self.step(scene, when);
        }
        scene.file_manager().set_paged_feed(self.events.clone());
    }

    fn step(&mut self, scene: &Scene, when: When) {
        let dice = self.random.below(100);
        match self.one_alive() {
            Some(path) if dice < 20 => self.overwrite(scene, &path),
            Some(path) if dice < 35 => self.delete(scene, &path),
            Some(path) if dice < 60 => self.rename(scene, &path, when),
            Some(path) if dice < 75 || self.alive.len() >= FILES_MOST => self.change_permission(&path),
            _ => self.create(scene),
        }
    }

    fn create(&mut self, scene: &Scene) {
        let path = self.one_name();
        if self.alive.contains(&path) {
            return;
        }
        let body = self.body();
        scene.bucket().put(BUCKET, &path, body, Some("text/plain"));
        // Permissions reported for a deleted file may still apply if no daemon observed its absence: then they are reported
        // again.
        let has_permissions = self.is_back(&path) || self.random.percent(50);
        let permissions = has_permissions.then(|| self.permissions());
        let metadata = permissions.as_ref().map_or(Value::Null, |permissions| json!({ "permissions": permissions }));
        self.publish("create", &path, None, &metadata);
        self.reported.extend(permissions.map(|permissions| (path.clone(), permissions)));
        self.born(&path);
    }

    fn overwrite(&mut self, scene: &Scene, path: &str) {
        let body = self.body();
        scene.bucket().put(BUCKET, path, body, Some("text/plain"));
        self.publish("create", path, None, &Value::Null);
    }

    fn delete(&mut self, scene: &Scene, path: &str) {
        scene.bucket().remove(BUCKET, path);
        self.publish("delete", path, None, &Value::Null);
        self.gone(path);
        self.reported.remove(path);
    }

    /// Renames, in most cases to a free name.
    fn rename(&mut self, scene: &Scene, from: &str, when: When) {
        let to = self.one_name();
        if to == from || (self.alive.contains(&to) && self.random.percent(75)) {
            return;
        }
        let body = scene.bucket().body(BUCKET, from).expect("it is there");
        scene.bucket().put(BUCKET, &to, body, Some("text/plain"));
        scene.bucket().remove(BUCKET, from);
        let kind = if from.rsplit_once('/').map(|(directory, _)| directory) == to.rsplit_once('/').map(|(directory, _)| directory) {
            "rename"
        } else {
            "move"
        };
        self.publish(kind, from, Some(&to), &Value::Null);
        let permissions = self.reported.remove(from);
        // If a file was observed as gone before its rename was reported, its permissions are correctly lost.
        let anew = self.alive.contains(&to) || self.is_back(&to) || when == When::Amid;
        self.reported.extend(permissions.map(|permissions| (to.clone(), permissions)));
        self.gone(from);
        self.lives.entry(from.to_owned()).or_default().renamed += 1;
        self.born(&to);
        if anew {
            self.change_permission(&to);
        }
    }

    fn change_permission(&mut self, path: &str) {
        let permissions = self.permissions();
        self.publish("change_permission", path, None, &json!({ "permissions": permissions }));
        self.reported.insert(path.to_owned(), permissions);
    }

    fn publish(&mut self, kind: &'static str, path: &str, new_path: Option<&str>, metadata: &Value) {
        let (minute, second) = (self.events.len() / 60, self.events.len() % 60);
        let new_path = new_path.map(|path| format!("/{path}"));
        self.events.push(json!({
            "event_type": kind,
            "file_path": format!("/{path}"),
            "new_path": new_path,
            "metadata": metadata,
            "timestamp": format!("2024-01-15T10:{minute:02}:{second:02}Z"),
        }));
        *self.by_kind.entry(kind).or_default() += 1;
    }

    fn born(&mut self, path: &str) {
        if self.alive.insert(path.to_owned()) {
            self.lives.entry(path.to_owned()).or_default().born += 1;
        }
    }

    fn gone(&mut self, path: &str) {
        self.alive.remove(path);
        self.lives.entry(path.to_owned()).or_default().gone += 1;
    }

    fn is_back(&self, path: &str) -> bool {
        self.lives.get(path).is_some_and(|lives| lives.gone > 0)
    }

    fn one_alive(&mut self) -> Option<String> {
        let number = self.random.below(self.alive.len().max(1));
        self.alive.iter().nth(number).cloned()
    }

    fn one_name(&mut self) -> String {
        let directory = DIRECTORIES[self.random.below(DIRECTORIES.len())];
        format!("{directory}/{:02}.txt", self.random.below(NAMES_IN_A_DIRECTORY))
    }

    /// Every body is different; some are empty, some need many packets.
    fn body(&mut self) -> String {
        self.bodies += 1;
        let lines = match self.bodies % 25 {
            7 => 0,
            11 => 8_000,
            few => few,
        };
        format!("content {}\n", self.bodies).repeat(lines)
    }

    fn permissions(&mut self) -> String {
        format!("{:04o}", self.random.below(0o1000))
    }
}
