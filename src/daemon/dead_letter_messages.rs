//! The messages about dead letters on the control socket. `events::dead_letters` executes them.

use super::ClientIdentity;
use crate::events::dead_letters::{Kept, Which};
use serde::{Deserialize, Serialize};

/// The request to retry or drop dead letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLettersMessage {
    /// The action.
    pub action: DeadLettersAction,
    /// The id of one dead letter; `null` = all.
    pub id: Option<i64>,
    /// The client's bucket and sinks.
    #[serde(default)]
    pub identity: ClientIdentity,
}

/// The actions on dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLettersAction {
    /// Decode them again, with the daemon's settings.
    Retry,
    /// Delete them.
    Drop,
}

/// A dead letter that still cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDeadLetter {
    /// Its id.
    pub id: i64,
    /// A short, stable name of the reason.
    pub reason: String,
    /// A sentence for people, escaped for display.
    pub message: String,
}

impl DeadLettersMessage {
    pub(super) fn which(&self) -> Which {
        self.id.map_or(Which::All, Which::One)
    }
}

impl From<Kept> for KeptDeadLetter {
    fn from(Kept { id, reason, message }: Kept) -> Self {
        Self { id, reason, message }
    }
}

impl From<KeptDeadLetter> for Kept {
    fn from(KeptDeadLetter { id, reason, message }: KeptDeadLetter) -> Self {
        Self { id, reason, message }
    }
}
