//! Keys that consist only of white space. S3 allows them, but the SDK treats them as missing and refuses the call.

use crate::record::ObjectKey;
use aws_sdk_s3::config::http::HttpRequest;

/// The key that the SDK gets instead of a blank one. It is replaced in the request before the SDK signs it.
const PLACEHOLDER: &str = "s3-sync-stand-in-for-a-blank-key";

/// The key for the SDK: the placeholder for a blank key.
pub(super) fn accepted(key: &ObjectKey) -> &str {
    if is_blank(key) { PLACEHOLDER } else { key.as_str() }
}

/// Returns a function that replaces the placeholder in a request's path by the blank key, byte for byte.
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
