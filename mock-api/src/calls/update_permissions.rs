//! `POST /updatePermissions`: a get with only `file_path`, else a set of the given fields. Any path has permissions, with or without a
//! file.

use super::Done;
use crate::answer::{Answer, missing};
use crate::api::{MockApi, lock};
use crate::fields::Received;
use crate::permissions::{Permissions, Wanted};
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct Body<'a> {
    file_path: &'a str,
    #[serde(flatten)]
    permissions: Permissions,
    last_updated: Timestamp,
}

pub(super) fn handle(api: &MockApi, received: &Received) -> Done {
    let fields = &received.fields;
    let Some(file_path) = fields.get("file_path") else {
        return Done::unchanged(Answer::invalid(&[missing("file_path")]));
    };
    let text = |name| fields.get(name).map(str::to_owned);
    let wanted = Wanted { permissions: text("permissions"), owner: text("owner"), group: text("group") };
    let now = Timestamp::now();
    let book = &mut lock(&api.shared.files).permissions;
    if wanted.is_get() {
        let (permissions, set_at) = book.get(file_path);
        let last_updated = set_at.unwrap_or(now);
        return Done::unchanged(Answer::json(200, &Body { file_path, permissions, last_updated }));
    }
    let permissions = book.set(file_path, wanted, now);
    Done::changed(Answer::json(200, &Body { file_path, permissions, last_updated: now }))
}
