//! Checks that a listing has arrived up to its last tag. The SDK's parser accepts a document that breaks off.

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// Fails a call whose listing breaks off: without a `Content-Length` only the last tag shows that a response is complete, and
/// missing keys would later look like deletes.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeListing;

const ROOT: &[u8] = b"<ListBucketResult";
/// A body without the root element within these bytes is another document, which the parser refuses with a better message.
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
