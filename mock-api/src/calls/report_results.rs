//! `POST /reportResults`: a JSON object, recorded as received. Its fields are not checked.

use super::Done;
use crate::answer::Answer;
use crate::api::{MockApi, lock};
use crate::fields::Received;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn handle(api: &MockApi, received: &Received) -> Done {
    let report = match serde_json::from_slice::<Value>(&received.raw) {
        Ok(report @ Value::Object(_)) => report,
        Ok(other) => {
            return refused(&json!({ "type": "dict_type", "loc": ["body"], "msg": "Input should be a valid dictionary", "input": other }));
        }
        Err(error) => {
            let context = json!({ "error": error.to_string() });
            return refused(
                &json!({ "type": "json_invalid", "loc": ["body", error.column()], "msg": "JSON decode error", "input": {}, "ctx": context }),
            );
        }
    };
    lock(&api.shared.reports).push(report);
    let body = json!({ "status": "received", "message": "Sync results recorded successfully", "timestamp": Timestamp::now() });
    Done::changed(Answer::json(200, &body))
}

fn refused(problem: &Value) -> Done {
    Done::unchanged(Answer::invalid(std::slice::from_ref(problem)))
}
