//! Ordered faults: the calls that they match, how often, and their action. They are independent of the ledger; `exchange.rs` applies them.

use crate::answer::Answer;
use crate::call_log::CallName;
use serde::{Deserialize, Serialize};

/// The action of a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultAction {
    /// The request is read and gets this response; it has no effect.
    Answer {
        /// The HTTP status.
        status: u16,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after_secs: Option<u64>,
        /// The body; without one, `{"detail":"Ordered fault"}`.
        #[serde(default)]
        body: Option<String>,
    },
    /// The request is read, delayed, and then handled normally, even if the client has gone meanwhile.
    Delay {
        /// The delay.
        millis: u64,
    },
    /// The request is read and gets no response until the hanging calls are released; then the connection closes. No effect.
    Hang,
    /// The connection closes before the content is read. No effect.
    Reset,
    /// The request is handled, and the connection closes instead of a response.
    EffectThenReset,
    /// The request is handled, and this response replaces the real one.
    EffectThenAnswer {
        /// The HTTP status.
        status: u16,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after_secs: Option<u64>,
        /// The body; without one, `{"detail":"Ordered fault"}`.
        #[serde(default)]
        body: Option<String>,
    },
    /// The request is handled, and gets no response; when the hanging calls are released, the connection closes.
    EffectThenHang,
    /// The content is read with a pause before each chunk, and then handled normally.
    SlowRead {
        /// The pause.
        pause_millis: u64,
    },
}

impl FaultAction {
    /// A status instead of the effect.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, retry_after_secs: None, body: None }
    }

    /// The effect, and then this status instead of the real response.
    pub fn effect_then_status(status: u16) -> Self {
        Self::EffectThenAnswer { status, retry_after_secs: None, body: None }
    }

    /// The ordered response.
    pub(crate) fn answer(&self) -> Option<Answer> {
        let (Self::Answer { status, retry_after_secs, body } | Self::EffectThenAnswer { status, retry_after_secs, body }) = self else {
            return None;
        };
        let plain = Answer::detail(*status, "Ordered fault");
        let body = body.as_ref().map_or(plain.body, |body| body.clone().into());
        Some(Answer { status: *status, body, retry_after_secs: *retry_after_secs, replayed: false })
    }
}

/// An ordered fault: its action, its calls, the number of calls to skip first, and how often it applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The action.
    pub action: FaultAction,
    /// Only this call; any when `None`.
    #[serde(default)]
    pub call: Option<CallName>,
    /// Only this operation (`create`, …, or `get` and `set` of permissions); any when `None`.
    #[serde(default)]
    pub operation: Option<String>,
    /// Only this `file_path`; any when `None`.
    #[serde(default)]
    pub path: Option<String>,
    /// This many matching calls are skipped first.
    #[serde(default)]
    pub skip: u64,
    /// It applies this many times after that; `None` = always.
    #[serde(default = "once")]
    pub times: Option<u64>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
fn once() -> Option<u64> {
    Some(1)
}

impl Fault {
    /// Applies once, to the next call of any kind.
    pub fn new(action: FaultAction) -> Self {
        Self { action, call: None, operation: None, path: None, skip: 0, times: once() }
    }

    /// Only this call.
    #[must_use]
    pub fn call(self, call: CallName) -> Self {
        Self { call: Some(call), ..self }
    }

    /// Only this operation.
    #[must_use]
    pub fn operation(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }

    /// Only this path.
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Skips this many matching calls.
    #[must_use]
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Applies this many times.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Applies always, until the faults are cleared.
    #[must_use]
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }

    fn matches(&self, call: CallName, operation: Option<&str>, path: Option<&str>) -> bool {
        self.call.is_none_or(|wanted| wanted == call)
            && (self.operation.is_none() || self.operation.as_deref() == operation)
            && (self.path.is_none() || self.path.as_deref() == path)
    }
}

/// The ordered faults that still apply, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    ordered: Vec<Fault>,
}

impl Faults {
    pub(crate) fn order(&mut self, fault: Fault) {
        if fault.times != Some(0) {
            self.ordered.push(fault);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.ordered.clear();
    }

    pub(crate) fn ordered(&self) -> &[Fault] {
        &self.ordered
    }

    /// The fault for this call: the first that matches and does not skip it. Later ones do not count the call.
    pub(crate) fn take(&mut self, call: CallName, operation: Option<&str>, path: Option<&str>) -> Option<FaultAction> {
        for place in 0..self.ordered.len() {
            let fault = &mut self.ordered[place];
            if !fault.matches(call, operation, path) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            let action = fault.action.clone();
            if let Some(times) = &mut fault.times {
                *times -= 1;
                if *times == 0 {
                    self.ordered.remove(place);
                }
            }
            return Some(action);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(fault: Fault, calls: &[(CallName, &str, &str)]) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.order(fault);
        calls.iter().map(|(call, operation, path)| faults.take(*call, Some(operation), Some(path)).is_some()).collect()
    }

    #[test]
    fn a_fault_applies_to_its_calls_after_its_skips_and_as_often_as_ordered() {
        use CallName::{SaveToDisk, UpdatePermissions};
        let calls = [
            (SaveToDisk, "create", "a"),
            (UpdatePermissions, "set", "a"),
            (SaveToDisk, "create", "b"),
            (SaveToDisk, "delete", "a"),
            (SaveToDisk, "create", "a"),
        ];
        let reset = || Fault::new(FaultAction::Reset);
        assert_eq!(taken(reset(), &calls), [true, false, false, false, false]);
        assert_eq!(taken(reset().always(), &calls), [true; 5]);
        assert_eq!(taken(reset().times(0), &calls), [false; 5]);
        assert_eq!(taken(reset().skip(1).times(2), &calls), [false, true, true, false, false]);
        assert_eq!(taken(reset().call(SaveToDisk).always(), &calls), [true, false, true, true, true]);
        assert_eq!(taken(reset().operation("create").always(), &calls), [true, false, true, false, true]);
        assert_eq!(taken(reset().path("a").operation("create").skip(1), &calls), [false, false, false, false, true]);
    }

    #[test]
    fn an_order_reads_from_json_with_little() {
        let read: Fault = serde_json::from_str(r#"{"call":"saveToDisk","action":{"kind":"answer","status":503}}"#).expect("a fault");
        assert_eq!(read, Fault::new(FaultAction::status(503)).call(CallName::SaveToDisk));
        let always: Fault = serde_json::from_str(r#"{"times":null,"action":{"kind":"hang"}}"#).expect("a fault");
        assert_eq!(always, Fault::new(FaultAction::Hang).always());
    }
}
