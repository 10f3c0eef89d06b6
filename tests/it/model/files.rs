//! The file manager's rules from the contract's table of answers, and its ledger: effect and answer of each request. Pure: no
//! time, no chance, no trouble.

use bytes::Bytes;
use s3_sync::file_manager::{FileManagerErrorKind, Saved};
use s3_sync::record::Permissions;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct File {
    /// A counter; a rename, a move and new content keep it.
    pub(crate) id: u64,
    pub(crate) content: Bytes,
    pub(crate) metadata: Map<String, Value>,
}

/// A complete request. Equal requests are the same intent, sent again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// `create`, …, and `set` for permissions.
    pub(crate) operation: &'static str,
    pub(crate) path: String,
    pub(crate) new_path: Option<String>,
    pub(crate) content: Option<Bytes>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) permissions: Permissions,
}

pub(crate) type Answer = Result<Saved, FileManagerErrorKind>;

/// The state of an idempotency key.
#[derive(Clone, Debug)]
enum Entry {
    InProgress,
    Finished(Box<(Request, Answer)>),
}

/// The files and the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) by_path: BTreeMap<String, File>,
    pub(crate) permissions: BTreeMap<String, Permissions>,
    ledger: BTreeMap<Uuid, Entry>,
    ids: u64,
    /// Effects so far, in order.
    pub(crate) effects: Vec<(&'static str, String)>,
    /// Refused requests.
    pub(crate) refusals: Vec<String>,
    /// Paths whose content the state cannot know: a read was refused, or an older backup was restored.
    pub(crate) may_be_sent_again: BTreeSet<String>,
    /// True if the state knows no content: the files were reset to an earlier moment, without a notice from the operator.
    pub(crate) is_astray: bool,
}

impl Files {
    /// Resets the files to a copy. Counters stay.
    pub(crate) fn set_back(&mut self, copy: Option<Self>) {
        let (ids, effects, refusals) = (self.ids, std::mem::take(&mut self.effects), std::mem::take(&mut self.refusals));
        *self = Self { ids, effects, refusals, is_astray: true, ..copy.unwrap_or_default() };
    }

    /// The operator starts the sink over: everything is sent again.
    pub(crate) fn start_over(&mut self) {
        self.may_be_sent_again.extend(self.by_path.keys().cloned());
        self.is_astray = false;
    }

    /// Begins a request with a key; an error is its answer.
    pub(crate) fn start(&mut self, key: Uuid) -> Result<(), FileManagerErrorKind> {
        match self.ledger.get(&key) {
            Some(Entry::InProgress) => Err(FileManagerErrorKind::Busy { status: 409, after: Some(std::time::Duration::from_secs(1)) }),
            Some(Entry::Finished(..)) => Ok(()),
            None => {
                self.ledger.insert(key, Entry::InProgress);
                Ok(())
            }
        }
    }

    /// The request ended without an outcome.
    pub(crate) fn release(&mut self, key: Uuid) {
        if matches!(self.ledger.get(&key), Some(Entry::InProgress)) {
            self.ledger.remove(&key);
        }
    }

    /// True if the key's request has an outcome.
    pub(crate) fn is_finished(&self, key: Uuid) -> bool {
        matches!(self.ledger.get(&key), Some(Entry::Finished(..)))
    }

    /// Applies the effect, or repeats the earlier answer; and reports a violation.
    pub(crate) fn handle(&mut self, key: Uuid, request: Request) -> (Answer, Option<String>) {
        if let Some(Entry::Finished(finished)) = self.ledger.get(&key) {
            let (before, answer) = &**finished;
            if *before == request {
                return (answer.clone(), None);
            }
            let wrong = format!("one key for two requests: {before:?} and {request:?}");
            return (Err(FileManagerErrorKind::Refused { status: 422 }), Some(wrong));
        }
        let wrong = self.needless(&request);
        let answer = self.apply(&request);
        if let Err(kind) = &answer {
            self.refusals.push(format!("{} of {:?} was refused: {}", request.operation, request.path, kind.reason()));
        }
        if answer.is_ok() {
            self.effects.push((request.operation, request.path.clone()));
            if request.operation != "set" {
                self.may_be_sent_again.remove(&request.path);
            }
        }
        self.ledger.insert(key, Entry::Finished(Box::new((request, answer.clone()))));
        (answer, wrong)
    }

    /// Detects a lost intent: the process sends, under a new key, what the file manager holds already.
    fn needless(&self, request: &Request) -> Option<String> {
        let held = self.by_path.get(&request.path)?;
        let same = request.content.as_ref() == Some(&held.content) && request.metadata.get("etag") == held.metadata.get("etag");
        let excused = self.is_astray || self.may_be_sent_again.contains(&request.path);
        (same && !excused)
            .then(|| format!("{} of {:?} brings what is there already: one intent, two effects", request.operation, request.path))
    }

    fn apply(&mut self, request: &Request) -> Answer {
        use FileManagerErrorKind::{NotFound, Taken};
        let path = request.path.as_str();
        let known = self.by_path.contains_key(path);
        match request.operation {
            "set" => {
                let set = self.set_permissions(path, &request.permissions);
                self.permissions.insert(path.to_owned(), set);
                return Ok(Saved::default());
            }
            "update" | "delete" | "rename" | "move" if !known => return Err(NotFound),
            "delete" => {
                self.permissions.remove(path);
                return self.by_path.remove(path).map(|file| Saved { size: None, metadata: None, ..saved(&file) }).ok_or(NotFound);
            }
            "rename" | "move" => {
                let target = request.new_path.clone().ok_or(FileManagerErrorKind::Refused { status: 400 })?;
                if self.by_path.contains_key(&target) {
                    return Err(Taken);
                }
                let file = self.by_path.remove(path).ok_or(NotFound)?;
                if let Some(said) = self.permissions.remove(path) {
                    self.permissions.insert(target.clone(), said);
                }
                let answer = saved(&file);
                self.by_path.insert(target, file);
                return Ok(answer);
            }
            _ => {}
        }
        let Some(content) = request.content.clone() else { return Err(FileManagerErrorKind::Refused { status: 400 }) };
        self.ids += u64::from(!known);
        let id = self.by_path.get(path).map_or(self.ids, |file| file.id);
        let file = File { id, content, metadata: request.metadata.clone() };
        let answer = saved(&file);
        self.by_path.insert(path.to_owned(), file);
        Ok(answer)
    }

    /// Fields that are not given stay.
    fn set_permissions(&self, path: &str, wanted: &Permissions) -> Permissions {
        let before = self.permissions_of(path);
        let wanted = wanted.clone();
        Permissions {
            permissions: wanted.permissions.or(before.permissions),
            owner: wanted.owner.or(before.owner),
            group: wanted.group.or(before.group),
        }
    }

    /// Every path has permissions.
    pub(crate) fn permissions_of(&self, path: &str) -> Permissions {
        self.permissions.get(path).cloned().unwrap_or_else(|| default_permissions(path))
    }
}

/// The answer for a path without reported permissions: different for each path, with values that events may report, too.
pub(crate) fn default_permissions(path: &str) -> Permissions {
    let number = (path.len() + 1) % 3;
    Permissions { permissions: Some(format!("mode-{number}")), owner: Some(format!("owner-{number}")), group: Some("system".to_owned()) }
}

pub(crate) fn saved(file: &File) -> Saved {
    Saved { internal_id: Some(format!("id-{}", file.id)), size: Some(file.content.len() as u64), metadata: Some(file.metadata.clone()) }
}
