//! Validates a page of a listing: rejects it if a key is missing or outside of the prefix, or if it names no next page although
//! more follow.

use super::head::timestamp;
use crate::record::{ETag, Escaped, ObjectFacts, ObjectKey, PageCursor};
use crate::s3::{ListPage, ListRequest};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object};

/// The reason why a page is rejected. Keys missing from an accepted page would later be treated as deleted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadPage {
    #[error("the response is not a listing: it does not say if more pages follow")]
    NotAListing,
    #[error("the response says that more pages follow, without an entry and without a token: it does not say where they begin")]
    NoCursor,
    #[error("an entry without a key")]
    EmptyKey,
    #[error("key \"{}\" is declared as url-encoded and cannot be decoded", Escaped(.0))]
    Undecodable(String),
    #[error("key \"{0}\" has no size")]
    NoSize(ObjectKey),
    #[error("key \"{key}\" does not begin with the prefix \"{}\"", Escaped(prefix))]
    OutsidePrefix { key: ObjectKey, prefix: String },
}

/// Validates a response and returns its page, in the order of the response.
pub(super) fn page(request: &ListRequest, output: ListObjectsV2Output) -> Result<ListPage, BadPage> {
    let token = output.next_continuation_token.clone().filter(|token| !token.is_empty());
    // The flag decides. If the server does not send it, a token says that more pages follow.
    let more = match output.is_truncated {
        Some(more) => more,
        None if is_listing(&output) => token.is_some(),
        None => return Err(BadPage::NotAListing),
    };
    let encoded = output.encoding_type == Some(EncodingType::Url);
    let mut objects: Vec<(ObjectKey, ObjectFacts)> = Vec::new();
    for object in output.contents.unwrap_or_default() {
        let (key, facts) = entry(object, encoded)?;
        if !key.as_str().starts_with(&request.prefix) {
            return Err(BadPage::OutsidePrefix { key, prefix: request.prefix.clone() });
        }
        objects.push((key, facts));
    }
    let next = match (more, token, objects.last()) {
        (false, ..) => None,
        (true, Some(token), _) => Some(PageCursor::Token(token)),
        (true, None, Some((last, _))) => Some(PageCursor::After(last.clone())),
        (true, None, None) => return Err(BadPage::NoCursor),
    };
    Ok(ListPage { objects, next, ..ListPage::default() })
}

/// True if a response without a truncation flag is a listing: it has entries, or repeats parts of the request. An empty document
/// proves nothing.
fn is_listing(output: &ListObjectsV2Output) -> bool {
    let repeats = output.name.is_some() || output.max_keys.is_some() || output.key_count.is_some();
    repeats || output.next_continuation_token.is_some() || !output.contents().is_empty()
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
