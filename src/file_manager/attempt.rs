//! One attempt at one call: common headers, deadlines, and the kind of a failure. Never retries.

use super::answer::{self, About};
use super::causes::causes;
use super::client::CONNECT_TIMEOUT;
use super::progress::{AttemptProgress, ContentState, Overdue};
use super::{Deadlines, FileManagerError, FileManagerErrorKind, HttpClient, HttpSetupError};
use crate::clock::{Clock, SystemClock};
use crate::record::{Escaped, ObjectKey};
use crate::trust;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use uuid::Uuid;

/// The maximum size of every response except the feed's.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// The maximum size of a page of the feed: a hundred events of 160 KiB (an object key has at most 1 KiB). The page is held in memory, so
/// the limit must suit small machines.
pub(super) const MAX_FEED_BYTES: usize = 16 * 1024 * 1024;

/// The number of bytes that are read from an error response.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;

/// The time limit for reading an error response. Its status matters more than its message.
const REFUSAL_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum length of a server's message; the rest is cut off.
const MAX_MESSAGE_CHARS: usize = 300;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A call: its name and subject for errors, and the limit of its response.
pub(super) struct ApiCall {
    pub name: &'static str,
    pub subject: String,
    pub about: About,
    pub max_response_bytes: usize,
}

impl ApiCall {
    pub(super) fn about_path(name: &'static str, path: &ObjectKey) -> Self {
        Self { name, subject: path.to_string(), about: About::Path, max_response_bytes: MAX_RESPONSE_BYTES }
    }
}

/// An unchecked response.
struct RawResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// The reason why there is no usable response.
enum NoResponse {
    Transport(reqwest::Error),
    TooLong { limit: usize, announced: Option<u64> },
}

/// A base URL with its token and deadlines: of the file manager or of the events API.
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

    /// The base URL, for errors. It contains no secret.
    pub(super) fn address(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// A call whose subject is the base URL.
    pub(super) fn call_about_address(&self, name: &'static str) -> ApiCall {
        ApiCall { name, subject: self.address(), about: About::Address, max_response_bytes: MAX_RESPONSE_BYTES }
    }

    /// A request to `path` below the base URL's path.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        let request = self.client.inner().request(method, url);
        match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization.clone()),
            None => request,
        }
    }

    /// Sends a request without content. Returns the body of a 2xx response.
    pub(super) async fn small_call(&self, call: &ApiCall, request: RequestBuilder) -> Result<Vec<u8>, FileManagerError> {
        self.attempt(call, request, &AttemptProgress::without_content(), self.deadlines.small_call).await
    }

    /// Sends a request within the time `total`. Returns the body of a 2xx response.
    pub(super) async fn attempt(
        &self,
        call: &ApiCall,
        request: RequestBuilder,
        progress: &AttemptProgress,
        total: Duration,
    ) -> Result<Vec<u8>, FileManagerError> {
        let request_id = Uuid::new_v4();
        let request = request.header(REQUEST_ID, request_id.to_string());
        tracing::debug!(call = call.name, subject = %call.subject, %request_id, "an attempt");
        let outcome = tokio::select! {
            biased;
            outcome = exchange(request, call.max_response_bytes, progress) => match outcome {
                Ok(answer) => checked(&answer, call.about, progress).map(|()| answer.body),
                Err(no_response) => Err(failure_of(&no_response, progress)),
            },
            overdue = progress.overdue(total, self.deadlines.idle) => Err(self.overdue_failure(overdue, progress, total)),
        };
        outcome.map_err(|(kind, message)| self.error(call, kind, &message))
    }

    /// The error for a 2xx response that violates the contract.
    pub(super) fn contract_violation(&self, call: &ApiCall, why: &str) -> FileManagerError {
        self.error(call, FileManagerErrorKind::BadAnswer, &format!("the response violates the contract: {why}"))
    }

    fn error(&self, call: &ApiCall, kind: FileManagerErrorKind, message: &str) -> FileManagerError {
        let secret = self.token.as_ref().map(ExposeSecret::expose_secret);
        FileManagerError { call: call.name, subject: call.subject.clone(), kind, message: sanitised(message, secret) }
    }

    fn overdue_failure(&self, overdue: Overdue, progress: &AttemptProgress, total: Duration) -> Failure {
        let idle = self.deadlines.idle;
        match (progress.content_state(), overdue) {
            (ContentState::Failed(why), _) => (FileManagerErrorKind::BodyFailed, why),
            (ContentState::Awaited, Overdue::Idle) => {
                (FileManagerErrorKind::BodyFailed, format!("the content's source sent no byte for {idle:?}"))
            }
            (_, Overdue::Idle) => (FileManagerErrorKind::Timeout, format!("no byte moved for {idle:?}")),
            (_, Overdue::Total) => (FileManagerErrorKind::Timeout, format!("no response within {total:?}")),
        }
    }
}

/// The header with the token, marked as sensitive so that no log prints it.
fn bearer(token: &SecretString) -> Result<HeaderValue, HttpSetupError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| HttpSetupError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A failure. Its message is neither shortened nor escaped yet.
type Failure = (FileManagerErrorKind, String);

async fn exchange(request: RequestBuilder, limit: usize, progress: &AttemptProgress) -> Result<RawResponse, NoResponse> {
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
        // A partial message is enough: a server that refuses early may close the connection while the content is being sent.
        let reading = read_up_to(MAX_REFUSAL_BYTES, &mut response, &mut body, progress);
        let _ = tokio::time::timeout(REFUSAL_READ_TIMEOUT, reading).await;
    }
    Ok(RawResponse { status, headers, body })
}

/// Reads a body. Returns false if it is at least as long as `limit`.
async fn read_up_to(limit: usize, response: &mut Response, body: &mut Vec<u8>, progress: &AttemptProgress) -> Result<bool, reqwest::Error> {
    while let Some(chunk) = response.chunk().await? {
        progress.answer_moved();
        body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
        if body.len() == limit {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Accepts a 2xx response if the content was sent completely. Any other response is the failure, even if it arrived early, unless our own
/// content failed.
fn checked(answer: &RawResponse, about: About, progress: &AttemptProgress) -> Result<(), Failure> {
    let status = answer.status;
    match (status.is_success(), progress.content_state()) {
        (true, ContentState::Whole) => Ok(()),
        (true, _) => Err((FileManagerErrorKind::BadAnswer, format!("answered {status} before the content was sent whole"))),
        (false, ContentState::Failed(why)) => Err((FileManagerErrorKind::BodyFailed, why)),
        (false, _) => Err(answer::refusal(status, &answer.headers, &answer.body, about, SystemClock.now())),
    }
}

fn failure_of(no_response: &NoResponse, progress: &AttemptProgress) -> Failure {
    match (no_response, progress.content_state()) {
        (_, ContentState::Failed(why)) => (FileManagerErrorKind::BodyFailed, why),
        (NoResponse::TooLong { limit, announced }, _) => {
            let length = announced.map_or_else(|| "is longer".to_owned(), |bytes| format!("has {bytes} bytes: longer"));
            (FileManagerErrorKind::TooLong, format!("the response {length} than the limit of {limit} bytes"))
        }
        (NoResponse::Transport(error), _) if error.is_connect() && error.is_timeout() => {
            (FileManagerErrorKind::Unreachable, format!("no connection within {CONNECT_TIMEOUT:?}"))
        }
        (NoResponse::Transport(error), _) => (transport_kind(error), causes(error)),
    }
}

fn transport_kind(error: &reqwest::Error) -> FileManagerErrorKind {
    if trust::is_untrusted(error) {
        FileManagerErrorKind::UntrustedCertificate
    } else if error.is_connect() || error.is_builder() {
        FileManagerErrorKind::Unreachable
    } else if error.is_timeout() {
        FileManagerErrorKind::Timeout
    } else {
        FileManagerErrorKind::Interrupted
    }
}

/// Makes a server's message safe to show: removes our token, escapes, and shortens, in this order.
fn sanitised(message: &str, secret: Option<&str>) -> String {
    let without_secret = secret.map_or_else(|| message.to_owned(), |secret| message.replace(secret, "[token]"));
    let escaped = Escaped(&without_secret).to_string();
    match escaped.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &escaped[..end]),
        None => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::super::SaveContent;
    use super::*;
    use futures::stream::{self, StreamExt, TryStreamExt};

    #[test]
    fn a_displayed_message_has_no_secret_and_no_control_character_and_is_short() {
        for (message, expected) in
            [("invalid token s3cret", "invalid token [token]"), ("a\r\n\u{1b}[2J", "a\\u{d}\\u{a}\\u{1b}[2J"), ("Über", "Über")]
        {
            assert_eq!(sanitised(message, Some("s3cret")), expected);
        }
        let long = format!("{}s3cret", "ü".repeat(MAX_MESSAGE_CHARS - 3));
        assert_eq!(sanitised(&long, Some("s3cret")), format!("{}[to…", "ü".repeat(MAX_MESSAGE_CHARS - 3)));
    }

    #[tokio::test]
    async fn a_success_counts_only_if_the_content_was_sent_whole() {
        let content = |size| {
            let body = stream::iter([Ok(bytes::Bytes::from_static(b"abc"))]).boxed();
            AttemptProgress::of(SaveContent { size, file_type: String::new(), body })
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
