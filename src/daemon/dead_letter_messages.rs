//! Dead letters in the words of the control socket. What trying one again means is the events' concern.

use super::ClientIdentity;
use crate::events::dead_letters::{Kept, Which};
use serde::{Deserialize, Serialize};

/// What is to become of dead letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLettersMessage {
    /// Which of the two.
    pub action: DeadLettersAction,
    /// The one of this number; `null` = all.
    pub id: Option<i64>,
    /// What whoever asks means by the state.
    #[serde(default)]
    pub identity: ClientIdentity,
}

/// What can be done with dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLettersAction {
    /// They are decoded again, by the daemon's settings.
    Retry,
    /// They are forgotten.
    Drop,
}

/// A letter that was tried again and stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDeadLetter {
    /// Its number.
    pub id: i64,
    /// A short, stable name.
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
