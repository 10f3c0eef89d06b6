//! A response independent of HTTP, and the formats of `FastAPI`'s refusals. Deciding refusals is the calls' concern.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

/// A status, a JSON body, and the two headers of the contract. Cheap to clone, because the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The JSON text.
    pub(crate) body: Bytes,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after_secs: Option<u64>,
    /// The ledger repeated it: `Idempotency-Replayed: true`.
    pub(crate) replayed: bool,
}

impl Answer {
    /// A response with a JSON body.
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("invariant: our answers are plain data with text keys");
        Self { status, body: body.into(), retry_after_secs: None, replayed: false }
    }

    /// `{"detail": …}`, as `FastAPI` sends an `HTTPException`.
    pub(crate) fn detail(status: u16, detail: &str) -> Self {
        Self::json(status, &json!({ "detail": detail }))
    }

    /// 422 with one entry for each problem.
    pub(crate) fn invalid(problems: &[Value]) -> Self {
        Self::json(422, &json!({ "detail": problems }))
    }

    /// A request with the same key is in progress.
    pub(crate) fn in_progress() -> Self {
        Self { retry_after_secs: Some(1), ..Self::detail(409, "A request with this Idempotency-Key is in progress") }
    }

    /// The same response, repeated.
    pub(crate) fn replay(&self) -> Self {
        Self { replayed: true, ..self.clone() }
    }

    /// True if the ledger keeps it: final responses, not transient ones.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.status, 200..=299 | 400 | 404 | 409 | 422)
    }
}

/// A required field that is missing or empty: in a form, `FastAPI` does not distinguish the two.
pub(crate) fn missing(field: &str) -> Value {
    json!({ "type": "missing", "loc": ["body", field], "msg": "Field required", "input": null })
}

/// A text instead of a number.
pub(crate) fn not_an_integer(place: &str, field: &str, input: &str) -> Value {
    json!({
        "type": "int_parsing", "loc": [place, field],
        "msg": "Input should be a valid integer, unable to parse string as an integer", "input": input,
    })
}

/// A readable but invalid value.
pub(crate) fn value_error(place: &str, field: &str, problem: &str, input: &str) -> Value {
    json!({ "type": "value_error", "loc": [place, field], "msg": format!("Value error, {problem}"), "input": input })
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, secs.into());
        }
        if self.replayed {
            headers.insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
        }
        response
    }
}
