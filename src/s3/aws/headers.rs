//! Mends the headers of a successful response before the SDK parses it. The SDK fails the whole call for any header that it cannot parse,
//! even for one that the engine never reads.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// How a header is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The engine decides by it. If the value is unreadable, the SDK fails the call and names the header.
    Decides,
    /// It is only information. The first readable value is used; if there is none, the header is removed.
    Describes,
    /// As `Describes`, for a time. A time in another common format is converted.
    DescribesTime,
    /// The length of the object in the response to a HEAD. One that is no number, or two of them, is left out: another request finds it.
    /// (The HTTP client refuses a response with a body of such a length, and names it.)
    Length,
}

/// All headers that the client reads, and those of `METADATA`. Every other header is removed: expiry, locks, replication, …
const READ: [(&str, Role); 19] = [
    ("content-length", Role::Length),
    ("content-range", Role::Decides),
    ("etag", Role::Decides),
    ("x-amz-checksum-crc32", Role::Decides),
    ("x-amz-checksum-crc32c", Role::Decides),
    ("x-amz-checksum-crc64nvme", Role::Decides),
    ("x-amz-checksum-sha1", Role::Decides),
    ("x-amz-checksum-sha256", Role::Decides),
    ("x-amz-checksum-type", Role::Decides),
    ("x-amz-server-side-encryption", Role::Decides),
    ("x-amz-server-side-encryption-customer-algorithm", Role::Decides),
    ("content-type", Role::Describes),
    ("content-encoding", Role::Describes),
    ("content-language", Role::Describes),
    ("content-disposition", Role::Describes),
    ("cache-control", Role::Describes),
    ("x-amz-storage-class", Role::Describes),
    ("x-amz-version-id", Role::Describes),
    ("last-modified", Role::DescribesTime),
];

/// The prefix of user metadata, whose names are the customer's: it is the label of all of them. They are read as `Role::Describes`.
const METADATA: &str = "x-amz-meta-";

/// An interceptor that passes only the headers of `READ` to the SDK, mended.
#[derive(Clone, Copy, Debug)]
pub(super) struct MendedHeaders;

impl Intercept for MendedHeaders {
    fn name(&self) -> &'static str {
        "MendedHeaders"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().status().is_success() {
            for header in mend(context.response_mut()) {
                tracing::debug!(header, "the store sent an unreadable header: it was mended or left out");
                crate::telemetry::metrics().mended_header(header);
            }
        }
        Ok(())
    }
}

/// Mends the headers in place. Returns those with an unreadable value.
fn mend(response: &mut HttpResponse) -> Vec<&'static str> {
    let mut mended = Vec::new();
    let others = response.headers().iter_bytes().filter(|(name, _)| READ.iter().all(|(read, _)| read != name));
    let others: Vec<_> = others.map(|(name, value)| (name.to_owned(), std::str::from_utf8(value).is_ok())).collect();
    for (name, readable) in others {
        let is_metadata = name.starts_with(METADATA);
        if !readable {
            mended.push(if is_metadata { METADATA } else { "other" });
        }
        // The SDK refuses two values.
        let kept = response.headers().get_all_bytes(&name).find_map(text).filter(|_| is_metadata);
        response.headers_mut().remove(name.as_str());
        kept.map(|kept| response.headers_mut().try_insert(name, kept));
    }
    for (name, role) in READ {
        let values: Vec<_> = response.headers().get_all_bytes(name).map(<[u8]>::to_vec).collect();
        let Some(first) = values.first() else { continue };
        let usable = match role {
            Role::Decides if values.iter().any(|value| value != first) => continue,
            Role::Decides => text(first),
            Role::Length => text(first).filter(|length| length.parse::<i64>().is_ok() && values.iter().all(|value| value == first)),
            Role::Describes => values.iter().find_map(|value| text(value)),
            Role::DescribesTime => values.iter().find_map(|value| http_date(&text(value)?)),
        };
        match usable {
            Some(usable) if values.len() == 1 && usable.as_bytes() == first => {}
            None if role == Role::Decides => {}
            usable => {
                mended.push(name);
                response.headers_mut().remove(name);
                usable.map(|usable| response.headers_mut().try_insert(name, usable));
            }
        }
    }
    mended
}

fn text(value: &[u8]) -> Option<String> {
    std::str::from_utf8(value).ok().map(str::to_owned)
}

/// The time as an HTTP date, from an HTTP date, RFC 2822 or ISO 8601 with a time zone.
fn http_date(value: &str) -> Option<String> {
    if DateTime::from_str(value, DateTimeFormat::HttpDate).is_ok() {
        return Some(value.to_owned());
    }
    let value = value.trim();
    let time: Timestamp = value.parse().ok().or_else(|| rfc2822::DateTimeParser::new().parse_timestamp(value).ok())?;
    DateTime::from_secs(time.as_second()).fmt(DateTimeFormat::HttpDate).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::primitives::SdkBody;

    fn mended(values: &[(&'static str, &[u8])]) -> (Vec<&'static str>, Vec<(String, Vec<u8>)>) {
        let mut raw = HttpResponse::new(200.try_into().expect("a status"), SdkBody::empty()).try_into_http1x().expect("a response");
        for (name, value) in values {
            raw.headers_mut().append(*name, (*value).try_into().expect("a value"));
        }
        let mut response = HttpResponse::try_from(raw).expect("a response");
        let mended = mend(&mut response);
        (mended, response.headers().iter_bytes().map(|(name, value)| (name.to_owned(), value.to_vec())).collect())
    }

    #[test]
    fn an_informational_header_is_mended_or_removed() {
        const DATE: &[u8] = b"Mon, 30 Nov 2026 10:00:00 GMT";
        type Case = (&'static str, &'static [&'static [u8]], Option<&'static [u8]>);
        let cases: &[Case] = &[
            ("last-modified", &[DATE], Some(DATE)),
            ("last-modified", &[b"2026-11-30T10:00:00Z"], Some(DATE)),
            ("last-modified", &[b"2026-11-30T12:00:00.5+02:00"], Some(DATE)),
            ("last-modified", &[b"Mon, 30 Nov 2026 10:00:00 +0000"], Some(DATE)),
            ("last-modified", &[b"2026-11-30T10:00:00"], None),
            ("last-modified", &[b"yesterday"], None),
            ("last-modified", &[b""], None),
            ("last-modified", &[b"\xff", DATE], Some(DATE)),
            ("content-type", &[b"text/plain", b"text/html"], Some(b"text/plain")),
            ("content-type", &[b"J\xf6rg"], None),
            ("x-amz-storage-class", &[b"\xe9", b"GLACIER"], Some(b"GLACIER")),
            ("x-amz-version-id", &[b"\xe9"], None),
            ("x-amz-meta-author", &[b"J\xf6rg"], None),
            ("x-amz-meta-author", &[b"J\xc3\xb6rg"], Some(b"J\xc3\xb6rg")),
            ("x-amz-meta-author", &[b"\xf6", b"one", b"two"], Some(b"one")),
            ("x-amz-meta-empty", &[b""], Some(b"")),
            ("content-disposition", &[b"\xff", b"inline"], Some(b"inline")),
            ("x-amz-missing-meta", &[b"many"], None),
            ("expires", &[b"0", b"-1"], None),
            ("content-length", &[b"7"], Some(b"7")),
            ("content-length", &[b"many"], None),
            ("content-length", &[b"7", b"8"], None),
            ("x-amz-object-lock-retain-until-date", &[b"never"], None),
            ("etag", &[b"\"e\"", b"\"e\""], Some(b"\"e\"")),
        ];
        for (name, values, expected) in cases {
            let sent: Vec<_> = values.iter().map(|value| (*name, *value)).collect();
            let kept: Vec<_> = expected.iter().map(|value| ((*name).to_owned(), value.to_vec())).collect();
            assert_eq!(mended(&sent).1, kept, "{name}: {values:?}");
        }
    }

    #[test]
    fn an_unreadable_header_that_the_engine_needs_is_refused_by_the_sdk() {
        for sent in [&[("etag", &b"\"one\""[..]), ("etag", b"\"two\"")][..], &[("etag", b"\xff")], &[("x-amz-checksum-crc32", b"\xff")]] {
            assert_eq!(mended(sent), (Vec::new(), sent.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()));
        }
    }

    #[test]
    fn only_unreadable_values_are_counted_and_user_metadata_under_one_label() {
        let sent: [(_, &[u8]); 4] = [("x-amz-meta-a", b"plain"), ("x-amz-meta-b", b"\xf6"), ("x-amz-meta-c", b"\xf6"), ("server", b"\xf6")];
        assert_eq!(mended(&sent).0, [METADATA, METADATA, "other"]);
    }
}
