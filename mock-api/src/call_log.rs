//! The log of received calls, for tests: bounded; contains each call from its arrival on.

use crate::faults::FaultAction;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The calls of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CallName {
    /// `GET /`
    Health,
    /// `POST /updatePermissions`
    UpdatePermissions,
    /// `POST /saveToDisk`
    SaveToDisk,
    /// `GET /pubSubFullList`
    PubSubFullList,
    /// `POST /reportResults`
    ReportResults,
}

impl CallName {
    /// The name in the contract; `health` for `GET /`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::UpdatePermissions => "updatePermissions",
            Self::SaveToDisk => "saveToDisk",
            Self::PubSubFullList => "pubSubFullList",
            Self::ReportResults => "reportResults",
        }
    }
}

/// The state of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// It is being received or processed.
    #[default]
    Open,
    /// A response was sent. Whether the client read it is unknown.
    Answered,
    /// It waits for ever, because of an ordered fault.
    Hanging,
    /// It ended without a response: the body was cut short, or a reset was ordered.
    Unanswered,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Counted from 0 since the double started.
    pub number: u64,
    /// The name of the call.
    pub call: CallName,
    /// The operation sent to `saveToDisk`; `get` or `set` for `updatePermissions`.
    pub operation: Option<String>,
    /// `file_path`, as received.
    pub path: Option<String>,
    /// `new_path`, as received.
    pub new_path: Option<String>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Content-Length`; `None` for a chunked body or none.
    pub content_length: Option<u64>,
    /// The names of the fields or parts, in the order received.
    pub parts: Vec<String>,
    /// The file name of the part `file`: informative only.
    pub file_name: Option<String>,
    /// The status of the response.
    pub status: Option<u16>,
    /// The state of the call.
    pub state: CallState,
    /// The response came from the ledger.
    pub replayed: bool,
    /// The call had an effect.
    pub effect: bool,
    /// The fault that was applied.
    pub fault: Option<FaultAction>,
}

/// The newest calls.
#[derive(Debug)]
pub(crate) struct CallLog {
    kept: VecDeque<Call>,
    capacity: usize,
    next_number: u64,
    /// The number of the first call after the last reset.
    since: u64,
}

impl CallLog {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { kept: VecDeque::new(), capacity, next_number: 0, since: 0 }
    }

    /// Numbers and keeps the call, and drops the oldest if necessary.
    pub(crate) fn open(&mut self, mut call: Call) -> u64 {
        let number = self.next_number;
        call.number = number;
        self.next_number += 1;
        if self.kept.len() >= self.capacity {
            self.kept.pop_front();
        }
        self.kept.push_back(call);
        number
    }

    /// Changes a call that is still kept.
    pub(crate) fn update(&mut self, number: u64, change: impl FnOnce(&mut Call)) {
        let first = self.next_number - self.kept.len() as u64;
        let place = number.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(call) = place.and_then(|place| self.kept.get_mut(place)) {
            change(call);
        }
    }

    pub(crate) fn calls(&mut self) -> &[Call] {
        self.kept.make_contiguous()
    }

    /// Number of calls since the last reset, including those no longer kept.
    pub(crate) fn total(&self) -> u64 {
        self.next_number - self.since
    }

    pub(crate) fn reset(&mut self) {
        self.kept.clear();
        self.since = self.next_number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str) -> Call {
        Call {
            number: 0,
            call: CallName::SaveToDisk,
            operation: None,
            path: Some(path.to_owned()),
            new_path: None,
            idempotency_key: None,
            request_id: None,
            user_agent: None,
            content_length: None,
            parts: Vec::new(),
            file_name: None,
            status: None,
            state: CallState::Open,
            replayed: false,
            effect: false,
            fault: None,
        }
    }

    #[test]
    fn the_newest_are_kept_and_a_late_end_of_a_forgotten_one_changes_nothing() {
        let mut log = CallLog::new(2);
        let numbers = ["a", "b", "c"].map(|path| log.open(call(path)));
        log.update(numbers[0], |call| call.status = Some(500));
        log.update(numbers[2], |call| call.status = Some(200));
        let seen: Vec<_> = log.calls().iter().map(|call| (call.path.as_deref(), call.status)).collect();
        assert_eq!(seen, [(Some("b"), None), (Some("c"), Some(200))]);
        assert_eq!(log.total(), 3);
    }

    #[test]
    fn after_a_reset_only_new_calls_are_listed() {
        let mut log = CallLog::new(9);
        let old = log.open(call("old"));
        log.reset();
        let new = log.open(call("new"));
        log.update(old, |call| call.status = Some(500));
        log.update(new, |call| call.status = Some(200));
        assert_eq!((log.total(), log.calls().len(), log.calls()[0].status), (1, 1, Some(200)));
    }
}
