//! The valid access key, and what requests with an earlier one are answered.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The key's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The session token that requests must carry; `None` = it is not looked at.
    pub session_token: Option<String>,
}

impl AccessKey {
    /// A key without a session token.
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.into(), secret: secret.into(), session_token: None }
    }

    /// The same with a session token.
    #[must_use]
    pub fn session_token(self, token: &str) -> Self {
        Self { session_token: Some(token.into()), ..self }
    }
}

/// The error response to a request with an earlier key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) status: u16,
    pub(crate) code: String,
}

/// All keys so far.
pub(crate) struct Keys(Mutex<State>);

struct State {
    valid: AccessKey,
    earlier: Vec<AccessKey>,
    rejection: Rejection,
    rejected: u64,
}

impl Keys {
    pub(crate) fn new(valid: AccessKey) -> Self {
        let rejection = Rejection { status: 400, code: "ExpiredToken".into() };
        Self(Mutex::new(State { valid, earlier: Vec::new(), rejection, rejected: 0 }))
    }

    pub(crate) fn replace(&self, valid: AccessKey, status: u16, code: &str) {
        let mut state = self.lock();
        let earlier = std::mem::replace(&mut state.valid, valid);
        state.earlier.push(earlier);
        state.rejection = Rejection { status, code: code.into() };
    }

    /// The secret of the valid key or of an earlier one.
    pub(crate) fn secret_of(&self, id: &str) -> Option<String> {
        let state = self.lock();
        let known = std::iter::once(&state.valid).chain(state.earlier.iter().rev());
        known.into_iter().find(|key| key.id == id).map(|key| key.secret.clone())
    }

    /// The response to a request with a valid signature; `None` = its key is the valid one.
    pub(crate) fn rejection(&self, id: &str, token: Option<&str>) -> Option<Rejection> {
        let mut state = self.lock();
        let is_valid = state.valid.id == id && (state.valid.session_token.is_none() || state.valid.session_token.as_deref() == token);
        state.rejected += u64::from(!is_valid);
        (!is_valid).then(|| state.rejection.clone())
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.lock().rejected
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
