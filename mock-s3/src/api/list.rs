//! `ListObjectsV2`: from the parameters to a page, and from a page to the response.

use super::{Answer, etag, length, timestamp};
use crate::listing::{self, Marker, OddListing, Query};
use crate::mock::Shared;
use crate::object::StoredObject;
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, EncodingType, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass,
    RestoreStatus,
};
use s3s::{S3Response, S3Result, s3_error};
use std::sync::Arc;

const MAX_KEYS: i32 = 1000;

pub(super) fn objects(shared: &Shared, input: ListObjectsV2Input, odd: Option<OddListing>) -> Answer<ListObjectsV2Output> {
    let max_keys = input.max_keys.unwrap_or(MAX_KEYS);
    let Ok(limit) = usize::try_from(max_keys.min(MAX_KEYS)) else {
        return Err(s3_error!(InvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647"));
    };
    let after = match (marker(&input)?, odd) {
        (Marker::Key(_), Some(OddListing::StartAfterIgnored)) if input.continuation_token.is_none() => Marker::Start,
        (_, Some(OddListing::InCircles)) => Marker::Start,
        (after, _) => after,
    };
    let encode: fn(&str) -> String = match input.encoding_type.as_ref().map(EncodingType::as_str) {
        None => str::to_owned,
        Some(EncodingType::URL) => listing::url_encode,
        Some(_) => return Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
    };
    let encode = odd.and_then(OddListing::encoding).unwrap_or(encode);
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let limit = match odd {
        // An empty page although more follow: the next page begins at the same position.
        Some(OddListing::EmptyPage) => 0,
        Some(OddListing::MaxKeysIgnored) => usize::MAX,
        _ => limit,
    };
    let query = Query { prefix, delimiter: input.delimiter.as_deref(), after, limit };
    let page = shared.store.read_bucket(&input.bucket, |bucket| {
        Ok(match odd {
            Some(OddListing::DirectoryOrder) => listing::page_in_directory_order(&bucket.objects, &query),
            _ => listing::page(&bucket.objects, &query),
        })
    })?;

    let next_token = match odd {
        Some(OddListing::EmptyPage) => Some(query.after.to_next_token(input.continuation_token.as_deref())),
        _ => page.next.as_ref().map(Marker::to_token),
    };
    let key_count = page.objects.len() + page.prefixes.len();
    let contents = page.objects.iter().map(|(key, object)| entry(encode(key), object)).collect();
    let prefixes = page.prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(encode(prefix)) }).collect();
    Ok(S3Response::new(ListObjectsV2Output {
        prefix: Some(encode(prefix)),
        delimiter: input.delimiter.as_deref().map(encode),
        start_after: input.start_after.as_deref().map(encode),
        name: Some(input.bucket),
        max_keys: Some(max_keys.min(MAX_KEYS)),
        key_count: i32::try_from(key_count).ok(),
        is_truncated: Some(next_token.is_some()),
        continuation_token: input.continuation_token,
        next_continuation_token: next_token,
        contents: Some(contents),
        common_prefixes: Some(prefixes),
        encoding_type: input.encoding_type.filter(|_| !odd.is_some_and(OddListing::hides_encoding)),
        ..ListObjectsV2Output::default()
    }))
}

fn marker(input: &ListObjectsV2Input) -> S3Result<Marker> {
    match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => {
            Marker::from_token(token).ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
        }
        (None, Some(key)) => Ok(Marker::Key(key.clone())),
        (None, None) => Ok(Marker::Start),
    }
}

fn entry(key: String, object: &Arc<StoredObject>) -> Object {
    let checksum = object.checksum.as_ref();
    let restore_status = object.restore.map(|restore| match restore {
        crate::Restore::Ongoing => RestoreStatus { is_restore_in_progress: Some(true), restore_expiry_date: None },
        crate::Restore::Until(expiry) => {
            RestoreStatus { is_restore_in_progress: Some(false), restore_expiry_date: Some(timestamp(expiry)) }
        }
    });
    Object {
        key: Some(key),
        size: Some(length(object.content.size())),
        e_tag: Some(etag(object)),
        last_modified: Some(timestamp(object.last_modified)),
        storage_class: Some(ObjectStorageClass::from(object.storage_class.clone())),
        checksum_algorithm: checksum.map(|checksum| vec![ChecksumAlgorithm::from_static(checksum.algorithm.name())]),
        checksum_type: checksum.map(|checksum| ChecksumType::from_static(checksum.kind())),
        restore_status,
        ..Object::default()
    }
}
