//! Converts the SDK's errors into a [`CallFailure`], which `failure.rs` classifies.
//!
//! The SDK hides the error types of its HTTP stack, so some errors are recognised by their messages. Tests over real sockets detect a
//! change of these messages.

use super::failure::{CallFailure, ErrorResponse};
use super::mend::element;
use crate::causes::{chain, words_of};
use crate::trust;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStreamError;
use std::error::Error;
use std::io;

/// The failure of a call.
pub(super) fn failure<E>(error: &SdkError<E, HttpResponse>) -> CallFailure<'_>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(context) if context.raw().status().is_success() && context.err().code().is_none() => {
            CallFailure::Unreadable { words: words_of(context.err()) }
        }
        SdkError::ServiceError(context) => CallFailure::Response(answer(context.err(), context.raw())),
        SdkError::TimeoutError(_) => CallFailure::TimedOut { words: words_of(error) },
        SdkError::DispatchFailure(failure) if failure.is_timeout() => CallFailure::TimedOut { words: words_of(error) },
        SdkError::DispatchFailure(_) if trust::is_untrusted(error) => CallFailure::Untrusted { words: words_of(error) },
        SdkError::DispatchFailure(_) if is_about_credentials(error) => CallFailure::NoCredentials { words: words_of(error) },
        SdkError::DispatchFailure(_) if is_about_connecting(error) => CallFailure::NoConnection { words: words_of(error) },
        SdkError::DispatchFailure(failure) if failure.is_user() => CallFailure::NotSent { words: words_of(error) },
        SdkError::ConstructionFailure(_) => CallFailure::NotSent { words: words_of(error) },
        _ => broken(error),
    }
}

/// True for the response to a HEAD that may mean rejected credentials: a HEAD has no body that could name the reason.
pub(super) fn lacks_its_reason<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|raw| matches!(raw.status().as_u16(), 400 | 403) && raw.body().bytes().is_none_or(<[u8]>::is_empty))
}

/// The failure of reading a body.
pub(super) fn broken_body(error: &ByteStreamError) -> CallFailure<'static> {
    broken(error)
}

fn broken(error: &(dyn Error + 'static)) -> CallFailure<'static> {
    let words = words_of(error);
    let too_slow = chain(error).any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
            || cause.to_string().starts_with("minimum throughput was specified")
    });
    if too_slow { CallFailure::TimedOut { words } } else { CallFailure::Broken { words } }
}

fn answer<'a, E: ProvideErrorMetadata>(error: &'a E, raw: &'a HttpResponse) -> ErrorResponse<'a> {
    let body = raw.body().bytes().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default();
    ErrorResponse {
        status: raw.status().as_u16(),
        // For a 404 without a body the SDK makes up the code `NotFound`.
        code: error.code().filter(|_| !body.is_empty()),
        message: error.message(),
        retry_after: raw.headers().get("retry-after"),
        bucket_region: raw.headers().get("x-amz-bucket-region").or_else(|| element(body, "Region")),
    }
}

fn is_about_credentials(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| {
        let words = cause.to_string();
        words.contains("credential") || words.contains("failed to select an auth scheme")
    })
}

fn is_about_connecting(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| cause.to_string() == "client error (Connect)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::S3ErrorKind;
    use crate::sdk::RenewableCredentials;
    use aws_sdk_s3::config::{BehaviorVersion, Region};
    use aws_sdk_s3::{Client, Config};

    #[tokio::test]
    async fn missing_credentials_are_reported_as_such() {
        let provider = RenewableCredentials::of_a_source_without_any();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url("http://127.0.0.1:1")
            .credentials_provider(provider)
            .build();
        let error = Client::from_conf(config).head_bucket().bucket("b").send().await.expect_err("no credentials");
        let (kind, words) = failure(&error).classify("HeadBucket", "us-east-1");
        assert_eq!(kind, S3ErrorKind::BadCredentials, "{words}");
    }
}
