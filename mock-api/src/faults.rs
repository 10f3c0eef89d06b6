//! Faults to order: which call they meet, how often, and what then happens. They stand outside the ledger; who carries them out is `exchange.rs`.

use crate::answer::Answer;
use crate::call_log::CallName;
use serde::{Deserialize, Serialize};

/// What happens to a call that a fault meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultAction {
    /// The request is read and answered so; it has no effect.
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
    /// The request is read, waits so long, and is then handled as ever, also when the client has gone meanwhile.
    Delay {
        /// How long.
        millis: u64,
    },
    /// The request is read and gets no answer until the hanging calls are released; then the connection dies. No effect.
    Hang,
    /// The connection dies before the content is read. No effect.
    Reset,
    /// The request is handled, and the connection dies instead of carrying the answer.
    EffectThenReset,
    /// The request is handled, and this is answered in place of the truth.
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
    /// The request is handled, and its answer never comes; when the hanging calls are released, the connection dies.
    EffectThenHang,
    /// The content is read with a pause before each chunk, and then handled as ever.
    SlowRead {
        /// The pause.
        pause_millis: u64,
    },
}

impl FaultAction {
    /// A plain status in place of an effect.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, retry_after_secs: None, body: None }
    }

    /// The effect, and then a plain status in place of the truth.
    pub fn effect_then_status(status: u16) -> Self {
        Self::EffectThenAnswer { status, retry_after_secs: None, body: None }
    }

    /// The answer that it orders.
    pub(crate) fn answer(&self) -> Option<Answer> {
        let (Self::Answer { status, retry_after_secs, body } | Self::EffectThenAnswer { status, retry_after_secs, body }) = self else {
            return None;
        };
        let plain = Answer::detail(*status, "Ordered fault");
        let body = body.as_ref().map_or(plain.body, |body| body.clone().into());
        Some(Answer { status: *status, body, retry_after_secs: *retry_after_secs, replayed: false })
    }
}

/// An order: what happens, to which calls, after how many that are let through, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What happens.
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
    /// So many calls that match are let through first.
    #[serde(default)]
    pub skip: u64,
    /// So many are met after that; all of them when `None`.
    #[serde(default = "once")]
    pub times: Option<u64>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's type")]
fn once() -> Option<u64> {
    Some(1)
}

impl Fault {
    /// Meets the next call, whatever it is, once.
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

    /// Lets so many through first.
    #[must_use]
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Meets so many.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Meets all, until the faults are cleared.
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

/// The orders that are not used up, oldest first.
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

    /// What is to happen to this call. The first order that does not let it through takes it; those behind do not count it.
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
    fn an_order_meets_what_it_names_after_its_skips_and_as_often_as_it_says() {
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
