//! Changes in the bucket and the events that report them: new content, new and deleted files, renames and permissions, of rows
//! spread over all keys. Counts the work that they cause.

use crate::rows;
use bytes::Bytes;
use s3_sync::record::{Event, EventKind, ObjectKey, Permissions};
use s3_sync::s3::{MemoryBucket, MemoryObject};
use serde_json::json;

/// A prime greater than any number of rows: its multiples visit every row once before they visit one again.
const STRIDE: u64 = 2_654_435_761;
/// The longest body.
static BODY: [u8; 256] = [7; 256];

/// The work that some changes cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToDo {
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) deleted: u64,
    pub(crate) renamed: u64,
    pub(crate) permissions_set: u64,
}

impl ToDo {
    /// The paths with work: a rename names two.
    pub(crate) fn paths(self) -> u64 {
        self.created + self.updated + self.deleted + 2 * self.renamed + self.permissions_set
    }
}

/// Visits the rows of a state. Each row changes at most once.
pub(crate) struct Changes {
    rows: u64,
    next: u64,
}

impl Changes {
    pub(crate) fn of(rows: u64) -> Self {
        Self { rows, next: 0 }
    }

    /// Makes changes in the bucket and returns their events. Of a hundred, 60 files have new content, 10 are new, 10 deleted, 5
    /// renamed, and 15 get other permissions.
    pub(crate) fn make(&mut self, count: u64, bucket: &MemoryBucket) -> (Vec<Event>, ToDo) {
        let mut to_do = ToDo::default();
        let events = (0..count).map(|number| {
            let row = self.next.wrapping_mul(STRIDE) % self.rows;
            self.next += 1;
            assert!(self.next < self.rows, "every row has changed");
            let path = rows::key(row);
            match number % 20 {
                0..12 => {
                    bucket.put(path.clone(), object(row, &format!("changed{}", rows::etag(row))));
                    to_do.updated += 1;
                    event(EventKind::Create, path)
                }
                12 | 13 => {
                    let path = beside(row, "new");
                    bucket.put(path.clone(), object(row, &format!("new{}", rows::etag(row))));
                    to_do.created += 1;
                    event(EventKind::Create, path)
                }
                14 | 15 => {
                    to_do.deleted += 1;
                    event(EventKind::Delete, path)
                }
                16 => {
                    let new_path = beside(row, "renamed");
                    bucket.put(new_path.clone(), object(row, &rows::etag(row)));
                    to_do.renamed += 1;
                    Event { new_path: Some(new_path), ..event(EventKind::Rename, path) }
                }
                _ => {
                    bucket.put(path.clone(), object(row, &rows::etag(row)));
                    to_do.permissions_set += 1;
                    let permissions = Permissions { permissions: Some("rw-rw-rw-".to_owned()), ..Permissions::default() };
                    Event { permissions, ..event(EventKind::ChangePermission, path) }
                }
            }
        });
        (events.collect(), to_do)
    }
}

/// The JSON that the events API serves.
pub(crate) fn as_served(event: &Event) -> String {
    let new_path = event.new_path.as_ref().map(|path| format!("/{}", path.as_str()));
    let metadata = event.permissions.permissions.as_ref().map(|permissions| json!({ "permissions": permissions }));
    let path = format!("/{}", event.path.as_str());
    json!({
        "event_type": event.kind.as_str(), "file_path": path, "new_path": new_path, "metadata": metadata,
        "timestamp": "2026-01-15T10:30:15.123Z",
    })
    .to_string()
}

fn event(kind: EventKind, path: ObjectKey) -> Event {
    Event::new(kind, path)
}

/// Another key in the same directory.
fn beside(row: u64, word: &str) -> ObjectKey {
    ObjectKey::new(rows::key(row).as_str().replace(".pdf", &format!("-{word}.pdf"))).expect("not empty")
}

fn object(row: u64, etag: &str) -> MemoryObject {
    let length = usize::try_from(rows::bytes(row)).expect("a short one");
    MemoryObject::new(Bytes::from_static(&BODY).slice(..length)).etag(etag)
}
