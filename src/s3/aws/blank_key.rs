//! Keys that consist only of white space. S3 allows them; the SDK treats them as missing and refuses the call before sending it.

use crate::record::ObjectKey;
use aws_sdk_s3::config::http::HttpRequest;

/// Passed to the SDK instead of a blank key, and replaced in the request before it is signed.
const PLACEHOLDER: &str = "s3-sync-stand-in-for-a-blank-key";

/// The key as the SDK accepts it.
pub(super) fn accepted(key: &ObjectKey) -> &str {
    if is_blank(key) { PLACEHOLDER } else { key.as_str() }
}

/// Puts a blank key back into the request's path, byte for byte.
pub(super) fn restored(key: &ObjectKey) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    let encoded = is_blank(key).then(|| key.as_str().bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat());
    move |request| {
        if let Some(encoded) = &encoded
            && let Some((before, after)) = request.uri().rsplit_once(PLACEHOLDER)
        {
            let uri = format!("{before}{encoded}{after}");
            request.set_uri(uri).expect("invariant: percent-encoded bytes are a path");
        }
    }
}

fn is_blank(key: &ObjectKey) -> bool {
    key.as_str().trim().is_empty()
}
