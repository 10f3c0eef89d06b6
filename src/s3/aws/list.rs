//! Validates a page of a listing: rejects it if a key is missing or outside of the prefix, or if it names no next page although
//! more follow.

use super::head::timestamp;
use crate::record::{ETag, Escaped, ObjectFacts, ObjectKey, PageCursor, WrittenKeys};
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
    #[error("key \"{key}\" does not begin with the prefix \"{}\"", Escaped(prefix))]
    OutsidePrefix { key: ObjectKey, prefix: String },
}

/// Validates a response and returns its page, in the order of the response, and the positions of the objects whose size it does not state.
pub(super) fn page(request: &ListRequest, output: ListObjectsV2Output) -> Result<(ListPage, Vec<usize>), BadPage> {
    let token = output.next_continuation_token.clone().filter(|token| !token.is_empty());
    // The flag decides. If the server does not send it, a token says that more pages follow.
    let more = match output.is_truncated {
        Some(more) => more,
        None if is_listing(&output) => token.is_some(),
        None => return Err(BadPage::NotAListing),
    };
    let declared = output.encoding_type == Some(EncodingType::Url);
    let mut contents = output.contents.unwrap_or_default();
    let texts = contents.iter_mut().map(|object| object.key.take().unwrap_or_default()).collect();
    let written = written(declared, texts, &request.prefix)?;
    let sizes: Vec<_> = contents.iter().map(|object| object.size.and_then(|size| u64::try_from(size).ok())).collect();
    let facts = contents.into_iter().zip(&sizes).map(|(object, size)| facts(object, size.unwrap_or_default()));
    let objects: Vec<(ObjectKey, ObjectFacts)> = written.keys(&written.encodings).into_iter().zip(facts).collect();
    let next = match (more, token, objects.last()) {
        (false, ..) => None,
        (true, Some(token), _) => Some(PageCursor::Token(token)),
        (true, None, Some((last, _))) => Some(PageCursor::After(last.clone())),
        (true, None, None) => return Err(BadPage::NoCursor),
    };
    let without_size = sizes.iter().enumerate().filter(|(_, size)| size.is_none()).map(|(position, _)| position).collect();
    Ok((ListPage { objects, next, written: Some(written).filter(WrittenKeys::are_ambiguous), ..ListPage::default() }, without_size))
}

/// True if a response without a truncation flag is a listing: it has entries, or repeats parts of the request. An empty document
/// proves nothing.
fn is_listing(output: &ListObjectsV2Output) -> bool {
    let repeats = output.name.is_some() || output.max_keys.is_some() || output.key_count.is_some();
    repeats || output.next_continuation_token.is_some() || !output.contents().is_empty()
}

fn written(declared: bool, texts: Vec<String>, prefix: &str) -> Result<WrittenKeys, BadPage> {
    if texts.iter().any(String::is_empty) {
        return Err(BadPage::EmptyKey);
    }
    WrittenKeys::of_page(declared, texts, prefix).map_err(|key| BadPage::OutsidePrefix { key, prefix: prefix.to_owned() })
}

fn facts(object: Object, size: u64) -> ObjectFacts {
    ObjectFacts {
        size,
        etag: object.e_tag.as_deref().map(str::trim).and_then(ETag::parse),
        last_modified: object.last_modified.as_ref().and_then(timestamp),
        storage_class: object.storage_class.map(|class| class.as_str().to_owned()),
        version_id: None,
    }
}

#[cfg(test)]
mod tests;
