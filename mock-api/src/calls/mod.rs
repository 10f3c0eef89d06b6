//! The five calls of the contract, one file each: the response to a complete request. Ledger and faults are handled elsewhere.

mod health;
mod pub_sub_full_list;
mod report_results;
mod save_request;
mod save_to_disk;
mod update_permissions;

use crate::answer::Answer;
use crate::api::MockApi;
use crate::call_log::CallName;
use crate::fields::Received;
use axum::http::request::Parts;

/// The outcome of a call.
pub(crate) struct Done {
    pub(crate) answer: Answer,
    /// The call changed something.
    pub(crate) effect: bool,
}

impl Done {
    fn unchanged(answer: Answer) -> Self {
        Self { answer, effect: false }
    }

    fn changed(answer: Answer) -> Self {
        Self { answer, effect: true }
    }
}

/// Handles a call completely, without waiting.
pub(crate) fn handle(api: &MockApi, call: CallName, head: &Parts, received: &mut Received) -> Done {
    match call {
        CallName::Health => health::handle(),
        CallName::UpdatePermissions => update_permissions::handle(api, received),
        CallName::SaveToDisk => save_to_disk::handle(api, received),
        CallName::PubSubFullList => pub_sub_full_list::handle(api, &head.uri),
        CallName::ReportResults => report_results::handle(api, received),
    }
}
