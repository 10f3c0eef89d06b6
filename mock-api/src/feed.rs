//! The events that `pubSubFullList` serves: the same list for ever, or page by page. It makes up no events.

use serde_json::Value;

/// The feed's state.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    pub(crate) events: Vec<Value>,
    /// Whether `cursor=` is understood and `next_cursor` answered.
    pub(crate) pages: bool,
}

/// A part of the list, and where the next one starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<'a> {
    pub(crate) events: &'a [Value],
    pub(crate) next_cursor: Option<usize>,
}

impl Feed {
    /// The first `count` events after the cursor. Without pages there is no cursor and the list always starts at its beginning.
    pub(crate) fn page(&self, count: usize, cursor: Option<usize>) -> Page<'_> {
        let start = if self.pages { cursor.unwrap_or(0).min(self.events.len()) } else { 0 };
        let end = start.saturating_add(count).min(self.events.len());
        Page { events: &self.events[start..end], next_cursor: self.pages.then_some(end) }
    }
}
