//! Formats differences as lines, for people and for programs. Pure.
//!
//! Both forms end with a summary line. If it is missing, the diff ended early.
//!
//! For programs, each line is one JSON object. Keys are verbatim, with characters that are unsafe on a terminal written as escapes:
//!
//! ```json
//! {"kind":"added","file_path":"a","new":RECORD}
//! {"kind":"removed","file_path":"b","old":RECORD}
//! {"kind":"changed","file_path":"c","content":true,"permissions":false,"old":RECORD,"new":RECORD}
//! {"kind":"summary","added":1,"removed":1,"changed":1,"content_changed":1,"permissions_changed":0}
//! ```
//!
//! `RECORD` has the snapshot's other columns, `null` where they are missing: `size` is a number, all others are strings.

use super::Difference;
use super::row::Row as _;
use crate::record::{ETag, Escaped, FileRecord, Permissions, escape_json};
use serde::Serialize;
use std::fmt;

/// The number of differing keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Keys that only the new side has.
    pub added: u64,
    /// Keys that only the old side has.
    pub removed: u64,
    /// Keys of both sides that differ.
    pub changed: u64,
    /// Changed keys that differ in `ETag` or size.
    pub content_changed: u64,
    /// Changed keys that differ in permissions, owner or group.
    pub permissions_changed: u64,
}

impl Summary {
    /// Counts a difference.
    pub fn count(&mut self, difference: &Difference) {
        match difference {
            Difference::Added(_) => self.added += 1,
            Difference::Removed(_) => self.removed += 1,
            Difference::Changed { content, permissions, .. } => {
                self.changed += 1;
                self.content_changed += u64::from(*content);
                self.permissions_changed += u64::from(*permissions);
            }
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, removed, changed, content_changed, permissions_changed } = self;
        if added + removed + changed == 0 {
            return write!(f, "no differences");
        }
        write!(f, "{added} added, {removed} removed, {changed} changed")?;
        if *changed > 0 {
            write!(f, " (content of {content_changed}, permissions of {permissions_changed})")?;
        }
        Ok(())
    }
}

/// Lines for people: `+ key`, `- key`, `~ key (what)`, and a summary. Keys and values are escaped for a terminal.
pub fn human_lines<E>(differences: impl IntoIterator<Item = Result<Difference, E>>) -> impl Iterator<Item = Result<String, E>> {
    lines(differences, human_line, Summary::to_string)
}

/// Lines for programs, in the form described at the top of this file.
pub fn json_lines<E>(differences: impl IntoIterator<Item = Result<Difference, E>>) -> impl Iterator<Item = Result<String, E>> {
    lines(differences, |difference| json_line(&JsonLine::from(difference)), |summary| json_line(&JsonLine::Summary(*summary)))
}

fn lines<E>(
    differences: impl IntoIterator<Item = Result<Difference, E>>,
    line: fn(&Difference) -> String,
    closing: fn(&Summary) -> String,
) -> impl Iterator<Item = Result<String, E>> {
    let mut differences = differences.into_iter();
    let mut open = Some(Summary::default());
    std::iter::from_fn(move || {
        let mut summary = open.take()?;
        match differences.next() {
            Some(Ok(difference)) => {
                summary.count(&difference);
                open = Some(summary);
                Some(Ok(line(&difference)))
            }
            Some(Err(error)) => Some(Err(error)),
            None => Some(Ok(closing(&summary))),
        }
    })
}

fn human_line(difference: &Difference) -> String {
    match difference {
        Difference::Added(new) => format!("+ {}", new.file_path),
        Difference::Removed(old) => format!("- {}", old.file_path),
        Difference::Changed { old, new, .. } => format!("~ {} ({})", new.file_path, changes(old, new).join(", ")),
    }
}

fn changes(old: &FileRecord, new: &FileRecord) -> Vec<String> {
    let mut changes = Vec::new();
    if new.content_differs_from(old) {
        let known_to_differ =
            is_known_to_differ(old.etag.as_ref(), new.etag.as_ref()) || is_known_to_differ(old.size.as_ref(), new.size.as_ref());
        changes.push(if known_to_differ { "content" } else { "content, unknown before" }.to_owned());
    }
    let (old, new) = (&old.permissions, &new.permissions);
    for (name, old, new) in
        [("permissions", &old.permissions, &new.permissions), ("owner", &old.owner, &new.owner), ("group", &old.group, &new.group)]
    {
        match (old, new) {
            (Some(old), Some(new)) if old != new => changes.push(format!("{name} {} → {}", Escaped(old), Escaped(new))),
            (None, Some(new)) => changes.push(format!("{name} {}, unknown before", Escaped(new))),
            _ => {}
        }
    }
    changes
}

fn is_known_to_differ<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> bool {
    old.is_some() && super::row::differs(old, new)
}

fn json_line(line: &JsonLine<'_>) -> String {
    escape_json(&serde_json::to_string(line).expect("invariant: strings, numbers and booleans serialise"))
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum JsonLine<'a> {
    Added { file_path: &'a str, new: JsonRecord<'a> },
    Removed { file_path: &'a str, old: JsonRecord<'a> },
    Changed { file_path: &'a str, content: bool, permissions: bool, old: JsonRecord<'a>, new: JsonRecord<'a> },
    Summary(Summary),
}

impl<'a> From<&'a Difference> for JsonLine<'a> {
    fn from(difference: &'a Difference) -> Self {
        let file_path = difference.key().as_str();
        match difference {
            Difference::Added(new) => Self::Added { file_path, new: new.into() },
            Difference::Removed(old) => Self::Removed { file_path, old: old.into() },
            Difference::Changed { old, new, content, permissions } => {
                Self::Changed { file_path, content: *content, permissions: *permissions, old: (&**old).into(), new: (&**new).into() }
            }
        }
    }
}

#[derive(Serialize)]
struct JsonRecord<'a> {
    permissions: Option<&'a str>,
    size: Option<u64>,
    file_type: Option<&'a str>,
    last_modified: Option<String>,
    internal_id: Option<&'a str>,
    etag: Option<&'a str>,
    storage_class: Option<&'a str>,
    version_id: Option<&'a str>,
    owner: Option<&'a str>,
    group: Option<&'a str>,
}

impl<'a> From<&'a FileRecord> for JsonRecord<'a> {
    fn from(record: &'a FileRecord) -> Self {
        let Permissions { permissions, owner, group } = &record.permissions;
        Self {
            permissions: permissions.as_deref(),
            size: record.size,
            file_type: record.file_type.as_deref(),
            last_modified: record.last_modified.map(|time| time.to_string()),
            internal_id: record.internal_id.as_deref(),
            etag: record.etag.as_ref().map(ETag::as_str),
            storage_class: record.storage_class.as_deref(),
            version_id: record.version_id.as_deref(),
            owner: owner.as_deref(),
            group: group.as_deref(),
        }
    }
}
