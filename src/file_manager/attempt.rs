//! One attempt at one call: the headers that all share, the deadlines, and which failure it was. It never tries again.

use super::answer::{self, About};
use super::causes::causes;
use super::client::CONNECT_TIMEOUT;
use super::progress::{ContentState, Overdue, Progress};
use super::{Deadlines, FileManagerError, FileManagerErrorKind, HttpClient, HttpSetupError};
use crate::clock::{Clock, SystemClock};
use crate::record::{Escaped, ObjectKey};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use uuid::Uuid;

/// No answer of the contract is longer, but the feed's.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A hundred events of 160 KiB: the key of an object has 1 KiB. It is held whole, so it is bounded by what a small machine has.
pub(super) const FEED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Of a refusal, as much is read.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;

/// And as long is it listened to: its status says more than its words.
const REFUSAL_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Of what the other side says, as much is kept.
const MESSAGE_CHARS_MAX: usize = 300;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a call is named in errors, and what it is about.
pub(super) struct Call {
    pub name: &'static str,
    pub subject: String,
    pub about: About,
    pub answer_bytes_max: usize,
}

impl Call {
    pub(super) fn about_path(name: &'static str, path: &ObjectKey) -> Self {
        Self { name, subject: path.to_string(), about: About::Path, answer_bytes_max: ANSWER_BYTES_MAX }
    }
}

/// What came back, whatever it says.
struct RawResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Why there is no answer.
enum NoResponse {
    Transport(reqwest::Error),
    TooLong { limit: usize, announced: Option<u64> },
}

/// One base URL over the pool: where both the file manager's and the events API's calls go through.
pub(super) struct ApiEndpoint {
    client: HttpClient,
    base: Url,
    token: Option<SecretString>,
    authorization: Option<HeaderValue>,
    pub deadlines: Deadlines,
}

impl ApiEndpoint {
    pub(super) fn new(client: &HttpClient, base: &Url, token: Option<SecretString>, deadlines: Deadlines) -> Result<Self, HttpSetupError> {
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(HttpSetupError::Address("must begin with http:// or https://, and name a host"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(HttpSetupError::Address("must not hold a user name or a password: the token is the only credential"));
        }
        let mut base = base.clone();
        base.set_query(None);
        base.set_fragment(None);
        let token = token.filter(|token| !token.expose_secret().is_empty());
        let authorization = token.as_ref().map(bearer).transpose()?;
        Ok(Self { client: client.clone(), base, token, authorization, deadlines })
    }

    /// The address, for errors: it holds no secret.
    pub(super) fn address(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// A call that is about nothing but the address.
    pub(super) fn call_about_address(&self, name: &'static str) -> Call {
        Call { name, subject: self.address(), about: About::Address, answer_bytes_max: ANSWER_BYTES_MAX }
    }

    /// A request to `path`, which stands below whatever path the base URL has.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        let request = self.client.inner().request(method, url);
        match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization.clone()),
            None => request,
        }
    }

    /// Sends a request without content and gives the body of its 2xx.
    pub(super) async fn small_call(&self, call: &Call, request: RequestBuilder) -> Result<Vec<u8>, FileManagerError> {
        self.attempt(call, request, &Progress::without_content(), self.deadlines.small_call).await
    }

    /// Sends a request, within `total`, and gives the body of its 2xx.
    pub(super) async fn attempt(
        &self,
        call: &Call,
        request: RequestBuilder,
        progress: &Progress,
        total: Duration,
    ) -> Result<Vec<u8>, FileManagerError> {
        let request_id = Uuid::new_v4();
        let request = request.header(REQUEST_ID, request_id.to_string());
        tracing::debug!(call = call.name, subject = %call.subject, %request_id, "an attempt");
        let outcome = tokio::select! {
            biased;
            outcome = exchange(request, call.answer_bytes_max, progress) => match outcome {
                Ok(answer) => checked(&answer, call.about, progress).map(|()| answer.body),
                Err(no_response) => Err(failure_of(&no_response, progress)),
            },
            overdue = progress.overdue(total, self.deadlines.idle) => Err(self.given_up(overdue, progress, total)),
        };
        outcome.map_err(|(kind, message)| self.error(call, kind, &message))
    }

    /// A 2xx that is not what the contract promises.
    pub(super) fn contract_violation(&self, call: &Call, why: &str) -> FileManagerError {
        self.error(call, FileManagerErrorKind::BadAnswer, &format!("the answer is not the contract's: {why}"))
    }

    fn error(&self, call: &Call, kind: FileManagerErrorKind, message: &str) -> FileManagerError {
        let secret = self.token.as_ref().map(ExposeSecret::expose_secret);
        FileManagerError { call: call.name, subject: call.subject.clone(), kind, message: shown(message, secret) }
    }

    fn given_up(&self, overdue: Overdue, progress: &Progress, total: Duration) -> Failure {
        let idle = self.deadlines.idle;
        match (progress.content_state(), overdue) {
            (ContentState::Failed(why), _) => (FileManagerErrorKind::BodyFailed, why),
            (ContentState::Awaited, Overdue::Idle) => {
                (FileManagerErrorKind::BodyFailed, format!("the content brought no byte for {idle:?}"))
            }
            (_, Overdue::Idle) => (FileManagerErrorKind::Timeout, format!("no byte moved for {idle:?}")),
            (_, Overdue::Total) => (FileManagerErrorKind::Timeout, format!("no answer within {total:?}")),
        }
    }
}

/// The token's header, which no log prints.
fn bearer(token: &SecretString) -> Result<HeaderValue, HttpSetupError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| HttpSetupError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A failure in words that are neither capped nor escaped yet.
type Failure = (FileManagerErrorKind, String);

async fn exchange(request: RequestBuilder, limit: usize, progress: &Progress) -> Result<RawResponse, NoResponse> {
    let mut response = request.send().await.map_err(NoResponse::Transport)?;
    progress.answer_moved();
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    if status.is_success() {
        let announced = response.content_length();
        if !read_up_to(limit, &mut response, &mut body, progress).await.map_err(NoResponse::Transport)? {
            return Err(NoResponse::TooLong { limit, announced });
        }
    } else {
        // Whatever came of its words will do: one who refuses early may hang up on the content that is still on its way.
        let reading = read_up_to(REFUSAL_BYTES_MAX, &mut response, &mut body, progress);
        let _ = tokio::time::timeout(REFUSAL_READ_TIMEOUT, reading).await;
    }
    Ok(RawResponse { status, headers, body })
}

/// Reads an answer; false when there is more of it than `limit`.
async fn read_up_to(limit: usize, response: &mut Response, body: &mut Vec<u8>, progress: &Progress) -> Result<bool, reqwest::Error> {
    while let Some(chunk) = response.chunk().await? {
        progress.answer_moved();
        body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
        if body.len() == limit {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether it is a 2xx that can be believed. A 2xx to a body that was not sent whole is no promise; any other answer, early or not, wins over
/// what became of the connection, unless it was our own content that broke.
fn checked(answer: &RawResponse, about: About, progress: &Progress) -> Result<(), Failure> {
    let status = answer.status;
    match (status.is_success(), progress.content_state()) {
        (true, ContentState::Whole) => Ok(()),
        (true, _) => Err((FileManagerErrorKind::BadAnswer, format!("answered {status} before the content was sent whole"))),
        (false, ContentState::Failed(why)) => Err((FileManagerErrorKind::BodyFailed, why)),
        (false, _) => Err(answer::refusal(status, &answer.headers, &answer.body, about, SystemClock.now())),
    }
}

fn failure_of(no_response: &NoResponse, progress: &Progress) -> Failure {
    match (no_response, progress.content_state()) {
        (_, ContentState::Failed(why)) => (FileManagerErrorKind::BodyFailed, why),
        (NoResponse::TooLong { limit, announced }, _) => {
            let length = announced.map_or_else(|| "longer".to_owned(), |bytes| format!("of {bytes} bytes: longer"));
            (FileManagerErrorKind::TooLong, format!("the answer is {length} than the {limit} bytes that are read of it"))
        }
        (NoResponse::Transport(error), _) if error.is_connect() && error.is_timeout() => {
            (FileManagerErrorKind::Unreachable, format!("no connection within {CONNECT_TIMEOUT:?}"))
        }
        (NoResponse::Transport(error), _) => (transport_kind(error), causes(error)),
    }
}

fn transport_kind(error: &reqwest::Error) -> FileManagerErrorKind {
    if error.is_connect() || error.is_builder() {
        FileManagerErrorKind::Unreachable
    } else if error.is_timeout() {
        FileManagerErrorKind::Timeout
    } else {
        FileManagerErrorKind::Interrupted
    }
}

/// The other side's words as they may be shown: without our secret, escaped, and capped, in this order.
fn shown(message: &str, secret: Option<&str>) -> String {
    let without_secret = secret.map_or_else(|| message.to_owned(), |secret| message.replace(secret, "[token]"));
    let escaped = Escaped(&without_secret).to_string();
    match escaped.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &escaped[..end]),
        None => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;
    use futures::stream::{self, StreamExt, TryStreamExt};

    #[test]
    fn what_is_shown_holds_no_secret_no_control_character_and_no_novel() {
        for (message, expected) in
            [("invalid token s3cret", "invalid token [token]"), ("a\r\n\u{1b}[2J", "a\\u{d}\\u{a}\\u{1b}[2J"), ("Über", "Über")]
        {
            assert_eq!(shown(message, Some("s3cret")), expected);
        }
        let long = format!("{}s3cret", "ü".repeat(MESSAGE_CHARS_MAX - 3));
        assert_eq!(shown(&long, Some("s3cret")), format!("{}[to…", "ü".repeat(MESSAGE_CHARS_MAX - 3)));
    }

    #[tokio::test]
    async fn an_answer_counts_only_as_far_as_our_content_went() {
        let content = |size| {
            let body = stream::iter([Ok(bytes::Bytes::from_static(b"abc"))]).boxed();
            Progress::of(Content { size, file_type: String::new(), body })
        };
        let (whole, broken, unsent) = (content(3), content(4), content(3));
        assert!(whole.1.try_for_each(|_| async { Ok(()) }).await.is_ok());
        assert!(broken.1.try_for_each(|_| async { Ok(()) }).await.is_err());
        for (status, progress, expected) in [
            (200, &whole.0, Ok(())),
            (200, &broken.0, Err(FileManagerErrorKind::BadAnswer)),
            (200, &unsent.0, Err(FileManagerErrorKind::BadAnswer)),
            (400, &whole.0, Err(FileManagerErrorKind::Refused { status: 400 })),
            (400, &broken.0, Err(FileManagerErrorKind::BodyFailed)),
            (400, &unsent.0, Err(FileManagerErrorKind::Refused { status: 400 })),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = RawResponse { status, headers: HeaderMap::new(), body: Vec::new() };
            let checked = checked(&answer, About::Path, progress).map_err(|(kind, _)| kind);
            assert_eq!(checked, expected, "{status} {:?}", progress.content_state());
        }
    }
}
