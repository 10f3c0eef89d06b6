//! Checks each endpoint, with a hint if it is unreachable. Changes nothing in any endpoint.

use super::sinks::SinkKind;
use super::{endpoints, sinks};
use crate::apply::sink::{FilePart, Sink};
use crate::config::{Need, Settings};
use crate::daemon::{EVENTS_API, EndpointRole};
use crate::endpoint::EndpointError;
use crate::events::feed;
use crate::file_manager::ReportResults;
use crate::plan::PermissionSupport;
use crate::record::ObjectKey;
use crate::s3::{ListObjects as _, ListRequest, ReadObjects as _, S3Error, S3ErrorKind};
use crate::source::PageCursor;
use crate::workflow::Endpoints;
use futures::future;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// The time limit of the check of one endpoint.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// The name of the source.
pub(crate) const S3: &str = "S3";

/// The hint if the events API does not answer in time.
const CHECK_EVENTS_API: &str = "check EVENTS_API_URL and the network to it";

/// The hint if the bucket's server does not answer.
const CHECK_S3: &str = "check CUSTOMER_S3_ENDPOINT and the network to it";

/// The message of a successful check.
const ANSWERS: &str = "answers";

/// A path about which a sink is asked. The sink need not have a file there.
const PROBE_PATH: &str = "s3-sync-test";

/// The result of the check of one endpoint.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CheckResult {
    /// The endpoint's name.
    #[serde(rename = "door")]
    pub(crate) endpoint: Cow<'static, str>,
    #[serde(skip)]
    role: EndpointRole,
    /// `ok`, `skipped` or `failed`.
    pub(crate) result: &'static str,
    /// What the check found.
    pub(crate) message: String,
    /// The advice for the operator.
    pub(crate) hint: Option<String>,
}

impl CheckResult {
    /// The result for an endpoint that answers.
    pub(crate) fn ok(endpoint: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let (endpoint, role) = (endpoint.into(), EndpointRole::Optional);
        Self { endpoint, role, result: "ok", message: message.into(), hint: None }
    }

    /// The result for an endpoint that is not configured.
    pub(crate) fn skipped(endpoint: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { result: "skipped", ..Self::ok(endpoint, message) }
    }

    /// The result for an unreachable endpoint.
    pub(crate) fn failed(endpoint: impl Into<Cow<'static, str>>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { result: "failed", hint: Some(hint.into()), ..Self::ok(endpoint, message) }
    }

    fn of_role(self, role: EndpointRole) -> Self {
        Self { role, ..self }
    }

    fn has_failed(&self) -> bool {
        self.result == "failed"
    }

    /// The problem in one sentence; `None` = the endpoint is reachable or not configured.
    pub(crate) fn problem(&self) -> Option<String> {
        self.has_failed().then(|| format!("{}: {} ({})", self.endpoint, self.message, self.hint.as_deref().unwrap_or_default()))
    }
}

/// True if no run is possible: the source is unreachable, or every sink is.
pub(crate) fn no_run_is_possible(checks: &[CheckResult]) -> bool {
    let of_role = |role| checks.iter().filter(move |check| check.role == role);
    of_role(EndpointRole::Source).any(CheckResult::has_failed) || of_role(EndpointRole::Sink).all(CheckResult::has_failed)
}

/// Checks all endpoints that the settings name, concurrently.
pub(crate) async fn all(settings: &Settings) -> Vec<CheckResult> {
    let queues = future::join_all(settings.queue_urls.iter().map(|url| queue(settings, url)));
    let (bucket, mut sinks, events, queues) = tokio::join!(bucket(settings), sinks(settings), events(settings), queues);
    if sinks.is_empty() {
        let unset = format!("{} is not set", Need::AnySink.names().join(" or "));
        sinks.push(
            CheckResult::failed(
                sinks::first().endpoint(),
                unset,
                "set one of them: the address of the file manager, or the directory of the mirror",
            )
            .of_role(EndpointRole::Sink),
        );
    }
    std::iter::once(bucket.of_role(EndpointRole::Source)).chain(sinks).chain([events]).chain(queues).collect()
}

async fn bucket(settings: &Settings) -> CheckResult {
    const ENDPOINT: &str = S3;
    let Some(name) = settings.source.bucket.as_deref() else {
        return CheckResult::failed(ENDPOINT, "CUSTOMER_S3_BUCKET is not set", "set it to the customer's bucket");
    };
    let call = Box::pin(async {
        let bucket = endpoints::bucket(settings, name).await?;
        // List before HEAD: the response to a HEAD has no body, so it could not name the error.
        let request = ListRequest { prefix: settings.source.prefix.clone(), from: PageCursor::Start, max_keys: 1 };
        let page = bucket.list_page(request).await?;
        bucket.head_bucket().await?;
        let keys = page.readings_of_first();
        if keys.is_empty() {
            return Ok(format!("bucket {name} can be listed, and shows no object; whether its objects can be read is not known"));
        }
        let mut read = Ok(());
        for key in keys {
            read = bucket.head_object(&key).await.map(drop);
            if !read.as_ref().is_err_and(|error| error.kind == S3ErrorKind::NoSuchKey) {
                break;
            }
        }
        read?;
        Ok(format!("bucket {name} can be listed, and its objects can be read"))
    });
    check_endpoint(ENDPOINT, call, |error: &S3Error| error.kind.hint(), (no_answer(), CHECK_S3)).await
}

/// Checks the sinks that the settings name, concurrently.
pub(crate) async fn sinks(settings: &Settings) -> Vec<CheckResult> {
    let checks = future::join_all(sinks::configured(settings).map(|kind| sink(settings, kind))).await;
    checks.into_iter().map(|check| check.of_role(EndpointRole::Sink)).collect()
}

async fn sink(settings: &Settings, kind: &SinkKind) -> CheckResult {
    let endpoint = kind.endpoint();
    let client = match endpoints::http_client(settings) {
        Ok(client) => client,
        Err(error) => return CheckResult::failed(endpoint, error.to_string(), "check this machine's TLS set-up"),
    };
    let sink = match kind.create(settings, &client).await {
        Ok(sink) => sink,
        Err(error) => return CheckResult::failed(endpoint, error, format!("check {}", kind.setting)),
    };
    let call = async {
        sink.check().await?;
        ask(sink.as_ref()).await?;
        Ok(format!("{} answers", kind.address(settings)))
    };
    let silent = (no_answer(), &*format!("check {} and the network to it", kind.setting));
    check_endpoint(endpoint, call, |error: &EndpointError| error.hint, silent).await
}

/// Asks about a path. An endpoint that answers a check, which may need no credentials, may be no sink, or may refuse ours.
async fn ask(sink: &dyn Sink) -> Result<(), EndpointError> {
    let path = ObjectKey::new(PROBE_PATH).expect("invariant: a path of ours is one");
    let reports_permissions = sink.capabilities().permissions == PermissionSupport::SetAndAsk;
    let aspect = if reports_permissions { FilePart::Permissions } else { FilePart::Content };
    sink.inspect(&path, None, aspect).await.map(drop)
}

pub(crate) async fn events(settings: &Settings) -> CheckResult {
    const ENDPOINT: &str = EVENTS_API;
    let Some(url) = &settings.events_url else {
        return CheckResult::skipped(ENDPOINT, "EVENTS_API_URL is not set: results are not reported anywhere, and no feed is read");
    };
    let endpoint = match endpoints::http_client(settings).and_then(|client| endpoints::events(&client, settings, url)) {
        Ok(endpoint) => endpoint,
        Err(error) => return CheckResult::failed(ENDPOINT, error.to_string(), "check this machine's TLS set-up"),
    };
    let call = async { endpoint.health().await.map(|()| format!("{} answers", address(url))) };
    check_endpoint(ENDPOINT, call, feed::hint, (no_answer(), CHECK_EVENTS_API)).await
}

/// Checks one of the configured queues.
#[cfg(feature = "sqs")]
async fn queue(settings: &Settings, url: &Url) -> CheckResult {
    const ENDPOINT: &str = "queue";
    let queue = endpoints::queue(settings, url);
    let call = async { queue.check().await.map(|()| format!("{} answers", address(url))) };
    let silent = (format!("{}: {}", address(url), no_answer()), "check EVENTS_SQS_QUEUE_URL, EVENTS_SQS_ENDPOINT and the network to it");
    check_endpoint(ENDPOINT, call, crate::events::queue::QueueError::hint, silent).await
}

#[cfg(not(feature = "sqs"))]
#[expect(clippy::unused_async, reason = "it stands for the one that asks")]
async fn queue(_: &Settings, _: &Url) -> CheckResult {
    CheckResult::failed("queue", "this program was built without the feature `sqs`", "unset EVENTS_SQS_QUEUE_URL, or build it with sqs")
}

/// The address without a trailing slash, which `Url` adds to a bare host.
pub(crate) fn address(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

/// The reason why the source cannot be used; `None` = it can.
pub(super) async fn source_answers(endpoints: &Endpoints) -> Option<String> {
    let call = async {
        // List before HEAD: the response to a HEAD has no body, so it could not name the error.
        endpoints.source.page(&PageCursor::Start, 1).await?;
        endpoints.source.check().await?;
        Ok(ANSWERS.to_owned())
    };
    check_endpoint(S3, call, |error: &EndpointError| error.hint, (no_answer(), CHECK_S3)).await.problem()
}

/// The reason why an endpoint does not answer; `None` = it does.
pub(super) async fn answered(
    endpoint: impl Into<Cow<'static, str>>,
    setting: &str,
    check: impl Future<Output = Result<(), EndpointError>>,
) -> Option<String> {
    let call = async { check.await.map(|()| ANSWERS.to_owned()) };
    check_endpoint(endpoint, call, |error| error.hint, (no_answer(), &format!("check {setting}"))).await.problem()
}

/// The reason why the events API does not answer; `None` = it does.
pub(super) async fn events_api_answers(reports: &dyn ReportResults) -> Option<String> {
    let call = async { reports.health().await.map(|()| ANSWERS.to_owned()) };
    check_endpoint(EVENTS_API, call, feed::hint, (no_answer(), CHECK_EVENTS_API)).await.problem()
}

/// Checks an endpoint within the time limit. `call` returns the message of a success, `hint` gives advice on its error, and `silent` is the
/// message and the hint if the endpoint does not answer in time.
pub(crate) async fn check_endpoint<E: Display, H: Into<String>>(
    endpoint: impl Into<Cow<'static, str>>,
    call: impl Future<Output = Result<String, E>>,
    hint: impl FnOnce(&E) -> H,
    silent: (String, &str),
) -> CheckResult {
    match timeout(CHECK_TIMEOUT, call).await {
        Ok(Ok(found)) => CheckResult::ok(endpoint, found),
        Ok(Err(error)) => CheckResult::failed(endpoint, error.to_string(), hint(&error)),
        Err(_) => CheckResult::failed(endpoint, silent.0, silent.1),
    }
}

/// The message for an endpoint that does not answer in time.
pub(crate) fn no_answer() -> String {
    format!("no answer within {} s", CHECK_TIMEOUT.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file manager was required by its name: no other sink could stop the runs, and a service without a file manager was in error.
    #[test]
    fn no_run_is_possible_without_the_source_or_without_any_sink() {
        let of = |role, failed: bool| {
            let check = if failed { CheckResult::failed("x", "silent", "start it") } else { CheckResult::ok("x", ANSWERS) };
            check.of_role(role)
        };
        let (source, sink) = (|failed| of(EndpointRole::Source, failed), |failed| of(EndpointRole::Sink, failed));
        for (checks, expected) in [
            (vec![source(false), sink(false), sink(false)], false),
            (vec![source(false), sink(false), sink(true)], false),
            (vec![source(false), sink(true), sink(true)], true),
            (vec![source(true), sink(false)], true),
            (vec![source(false)], true),
            (vec![source(false), sink(false), of(EndpointRole::Optional, true)], false),
        ] {
            assert_eq!(no_run_is_possible(&checks), expected, "{checks:?}");
        }
    }
}
