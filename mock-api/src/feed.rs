//! The events that `pubSubFullList` serves: always the same list, or page by page. It creates no events.

use serde_json::Value;

/// The feed's state.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    pub(crate) events: Vec<Value>,
    /// `cursor=` is accepted and `next_cursor` is returned.
    pub(crate) pages: bool,
}

/// A part of the list, and the start of the next one.
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
