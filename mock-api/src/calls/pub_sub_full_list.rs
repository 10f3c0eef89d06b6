//! `GET /pubSubFullList?count=N`: the feed's events. Serving does not consume them.

use super::Done;
use crate::answer::{Answer, not_an_integer, value_error};
use crate::api::{MockApi, lock};
use axum::extract::Query;
use axum::http::Uri;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

const DEFAULT_COUNT: usize = 10;

#[derive(Serialize)]
struct Body<'a> {
    events: &'a [Value],
    total_count: usize,
    generated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(super) fn handle(api: &MockApi, uri: &Uri) -> Done {
    Done::unchanged(answer(api, uri).unwrap_or_else(|refusal| refusal))
}

fn answer(api: &MockApi, uri: &Uri) -> Result<Answer, Answer> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let parameter = |name| pairs.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let count = parameter("count").map_or(Ok(DEFAULT_COUNT), read_count)?;
    let feed = lock(&api.shared.feed);
    let cursor = if feed.pages { parameter("cursor").map(read_cursor).transpose()? } else { None };
    let page = feed.page(count, cursor);
    let next_cursor = page.next_cursor.map(|cursor| cursor.to_string());
    let body = Body { events: page.events, total_count: page.events.len(), generated_at: Timestamp::now(), next_cursor };
    Ok(Answer::json(200, &body))
}

/// A number out of bounds, of any length, is refused with 400; any other text with 422.
fn read_count(text: &str) -> Result<usize, Answer> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Answer::invalid(&[not_an_integer("query", "count", text)]));
    }
    let in_bounds = text.parse().ok().filter(|count| (1..=100).contains(count));
    in_bounds.ok_or_else(|| Answer::detail(400, "count must be between 1 and 100"))
}

fn read_cursor(text: &str) -> Result<usize, Answer> {
    text.parse().map_err(|_| Answer::invalid(&[value_error("query", "cursor", "not a cursor of ours", text)]))
}
