//! `ListMultipartUploads`: the uploads that were neither completed nor aborted, by key and id.

use super::{Answer, refuse, timestamp};
use crate::listing;
use crate::mock::Shared;
use s3s::S3Response;
use s3s::dto::{EncodingType, ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload};

/// Most uploads in a page.
const MAX_UPLOADS: i32 = 1000;

pub(super) fn list(shared: &Shared, input: &ListMultipartUploadsInput) -> Answer<ListMultipartUploadsOutput> {
    refuse(input.delimiter.is_some(), "the delimiter of a list of uploads")?;
    let limit = usize::try_from(input.max_uploads.unwrap_or(MAX_UPLOADS).min(MAX_UPLOADS)).unwrap_or_default();
    let encodes = input.encoding_type.as_ref().is_some_and(|encoding| encoding.as_str() == EncodingType::URL);
    let encode = |key: &str| if encodes { listing::url_encode(key) } else { key.to_owned() };
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let key_marker = input.key_marker.as_deref().unwrap_or_default();
    let begins = |key: &str, id: &str| match input.upload_id_marker.as_deref() {
        Some(id_marker) => (key, id) > (key_marker, id_marker),
        None => key > key_marker,
    };
    let (page, more) = shared.store.read_bucket(&input.bucket, |bucket| {
        let of_prefix = bucket.uploads.iter().filter(|(id, upload)| upload.key.starts_with(prefix) && begins(&upload.key, id));
        let mut uploads: Vec<_> = of_prefix.map(|(id, upload)| (upload.key.clone(), id.clone(), upload.initiated)).collect();
        uploads.sort();
        let more = uploads.len() > limit;
        uploads.truncate(limit);
        Ok((uploads, more))
    })?;
    let last = page.last().filter(|_| more).cloned();
    let uploads = page.into_iter().map(|(key, id, initiated)| MultipartUpload {
        key: Some(encode(&key)),
        upload_id: Some(id),
        initiated: Some(timestamp(initiated)),
        ..MultipartUpload::default()
    });
    let output = ListMultipartUploadsOutput {
        uploads: Some(uploads.collect()),
        bucket: Some(input.bucket.clone()),
        encoding_type: input.encoding_type.clone(),
        is_truncated: Some(more),
        next_key_marker: last.as_ref().map(|(key, ..)| encode(key)),
        next_upload_id_marker: last.map(|(_, id, _)| id),
        ..ListMultipartUploadsOutput::default()
    };
    Ok(S3Response::new(output))
}
