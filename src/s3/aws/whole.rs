//! Checks that a listing has arrived completely, because the SDK's parser accepts a truncated document.

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// An interceptor that fails a call with a truncated listing. Without a `Content-Length` only the last tag shows that a response is
/// complete, and missing keys would later be treated as deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeListing;

const ROOT: &[u8] = b"<ListBucketResult";
/// The root element must begin within these bytes. Otherwise the body is another document, which the parser refuses with a better message.
const ROOT_WITHIN_BYTES: usize = 1024;

#[derive(Debug, thiserror::Error)]
#[error("the listing breaks off after {0} bytes")]
struct BrokenOff(usize);

impl Intercept for WholeListing {
    fn name(&self) -> &'static str {
        "WholeListing"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        let begun = body.windows(ROOT.len()).take(ROOT_WITHIN_BYTES).any(|window| window == ROOT);
        if begun && !body.trim_ascii_end().ends_with(b"ListBucketResult>") { Err(BrokenOff(body.len()).into()) } else { Ok(()) }
    }
}
