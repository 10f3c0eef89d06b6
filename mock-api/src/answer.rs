//! An answer apart from HTTP, and the shapes in which `FastAPI` refuses. What is refused is the calls' business.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

/// A status, a JSON body, and the two headers that the contract gives a meaning. Cheap to clone, for it is kept in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The JSON text.
    pub(crate) body: Bytes,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after_secs: Option<u64>,
    /// Whether the ledger gave it: `Idempotency-Replayed: true`.
    pub(crate) replayed: bool,
}

impl Answer {
    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("invariant: our answers are plain data with text keys");
        Self { status, body: body.into(), retry_after_secs: None, replayed: false }
    }

    /// `{"detail": …}`, which is what an `HTTPException` looks like.
    pub(crate) fn detail(status: u16, detail: &str) -> Self {
        Self::json(status, &json!({ "detail": detail }))
    }

    /// 422 with one entry for each thing that is wrong.
    pub(crate) fn invalid(problems: &[Value]) -> Self {
        Self::json(422, &json!({ "detail": problems }))
    }

    /// The same key is being worked on.
    pub(crate) fn in_progress() -> Self {
        Self { retry_after_secs: Some(1), ..Self::detail(409, "A request with this Idempotency-Key is in progress") }
    }

    /// The same answer, given again.
    pub(crate) fn replay(&self) -> Self {
        Self { replayed: true, ..self.clone() }
    }

    /// Whether the ledger keeps it: what is final, and nothing that may pass.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.status, 200..=299 | 400 | 404 | 409 | 422)
    }
}

/// A required field that is not there, or is empty: `FastAPI` makes no difference between the two in a form.
pub(crate) fn missing(field: &str) -> Value {
    json!({ "type": "missing", "loc": ["body", field], "msg": "Field required", "input": null })
}

/// A text where a number is wanted.
pub(crate) fn not_an_integer(place: &str, field: &str, input: &str) -> Value {
    json!({
        "type": "int_parsing", "loc": [place, field],
        "msg": "Input should be a valid integer, unable to parse string as an integer", "input": input,
    })
}

/// A value that can be read and is wrong.
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
