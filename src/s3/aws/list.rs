//! Validates a page of a listing: an error if a key is missing, repeated, or outside of the request.

use super::head::timestamp;
use crate::record::{ETag, Escaped, ObjectFacts, ObjectKey};
use crate::s3::{ListPage, ListRequest};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object};

/// The reason why a page is rejected. Keys missing from an accepted page would later be treated as deleted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadPage {
    #[error("the response is not a listing: it does not say if more pages follow")]
    NotAListing,
    #[error("an empty page that says that more pages follow")]
    NoProgress,
    #[error("an entry without a key")]
    EmptyKey,
    #[error("key \"{}\" is declared as url-encoded and cannot be decoded", Escaped(.0))]
    Undecodable(String),
    #[error("key \"{0}\" has no size")]
    NoSize(ObjectKey),
    #[error("key \"{key}\" does not begin with the prefix \"{}\"", Escaped(prefix))]
    OutsidePrefix { key: ObjectKey, prefix: String },
    #[error("key \"{key}\" was returned for a request for keys after \"{after}\": the server ignores start-after")]
    StartAfterIgnored { key: ObjectKey, after: ObjectKey },
    #[error("key \"{key}\" follows \"{after}\": the server does not list in the order of the keys' bytes")]
    OutOfOrder { key: ObjectKey, after: ObjectKey },
}

/// Validates a response and returns its page.
pub(super) fn page(request: &ListRequest, output: ListObjectsV2Output) -> Result<ListPage, BadPage> {
    let more = output.is_truncated.ok_or(BadPage::NotAListing)?;
    let encoded = output.encoding_type == Some(EncodingType::Url);
    let mut objects: Vec<(ObjectKey, ObjectFacts)> = Vec::new();
    for object in output.contents.unwrap_or_default() {
        let (key, facts) = entry(object, encoded)?;
        if !key.as_str().starts_with(&request.prefix) {
            return Err(BadPage::OutsidePrefix { key, prefix: request.prefix.clone() });
        }
        match (objects.last(), &request.start_after) {
            (Some((last, _)), _) if key <= *last => return Err(BadPage::OutOfOrder { after: last.clone(), key }),
            (None, Some(after)) if key <= *after => return Err(BadPage::StartAfterIgnored { after: after.clone(), key }),
            _ => objects.push((key, facts)),
        }
    }
    if more && objects.is_empty() {
        return Err(BadPage::NoProgress);
    }
    Ok(ListPage { objects, more })
}

fn entry(object: Object, encoded: bool) -> Result<(ObjectKey, ObjectFacts), BadPage> {
    let raw = object.key.unwrap_or_default();
    let name = if encoded { form_decoded(&raw).ok_or(BadPage::Undecodable(raw))? } else { raw };
    let key = ObjectKey::new(name).map_err(|_| BadPage::EmptyKey)?;
    let Some(size) = object.size.and_then(|size| u64::try_from(size).ok()) else { return Err(BadPage::NoSize(key)) };
    let facts = ObjectFacts {
        size,
        etag: object.e_tag.as_deref().and_then(ETag::parse),
        last_modified: object.last_modified.as_ref().and_then(timestamp),
        storage_class: object.storage_class.map(|class| class.as_str().to_owned()),
        version_id: None,
    };
    Ok((key, facts))
}

/// Decodes S3's url encoding, which is that of forms: `+` is a space (other servers send `%20`), and a plus sign arrives as `%2B`. `None` =
/// a `%` without two hexadecimal digits, or bytes that are not UTF-8.
fn form_decoded(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>()?;
                rest = after;
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
                digit(digits[0])? << 4 | digit(digits[1])?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
