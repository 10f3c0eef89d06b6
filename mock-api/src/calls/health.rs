//! `GET /`: always healthy. It has no dependencies to check.

use super::Done;
use crate::answer::Answer;
use jiff::Timestamp;
use serde_json::json;

pub(super) fn handle() -> Done {
    Done::unchanged(Answer::json(200, &json!({ "message": "Mock API Server is running", "timestamp": Timestamp::now() })))
}
