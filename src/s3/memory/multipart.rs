//! The calls of a bucket in memory for multipart uploads.

use super::super::{
    CompleteRequest, CopyPartRequest, CreateUploadRequest, ListPartsRequest, ListUploadsRequest, ListedUpload, ObjectMetadata, OpenUpload,
    PartRequest, PartsPage, S3Error, S3ErrorKind, StoredPart, UploadCursor, UploadParts, UploadsPage, Written,
};
use super::write::Admitted;
use super::{Call, MemoryBucket, MemoryObject, State};
use crate::endpoint::EffectCertainty;
use crate::record::{Checksum, ChecksumAlgorithm, ETag, ObjectKey};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;

/// The least length of all parts but the last, in S3.
pub(super) const MIN_PART_BYTES: u64 = 5 << 20;

/// An upload that was neither completed nor aborted.
pub(super) struct MemoryUpload {
    key: ObjectKey,
    metadata: ObjectMetadata,
    storage_class: Option<String>,
    parts: BTreeMap<u16, Bytes>,
}

impl State {
    fn upload(&mut self, admitted: &Admitted, upload: &OpenUpload) -> Result<&mut MemoryUpload, S3Error> {
        let found = self.uploads.get_mut(&upload.id).filter(|found| found.key == upload.key);
        found.ok_or_else(|| admitted.error(S3ErrorKind::NoSuchUpload, "the upload does not exist"))
    }
}

#[async_trait]
impl UploadParts for MemoryBucket {
    async fn create_upload(&self, create: CreateUploadRequest) -> Result<OpenUpload, S3Error> {
        let admitted = self.admit(&Call::CreateUpload(&create))?;
        let CreateUploadRequest { key, metadata, storage_class } = create;
        let mut state = self.state();
        state.begun_uploads += 1;
        let id = format!("upload-{:04}", state.begun_uploads);
        state.uploads.insert(id.clone(), MemoryUpload { key: key.clone(), metadata, storage_class, parts: BTreeMap::new() });
        admitted.response(OpenUpload { key, id })
    }

    async fn upload_part(&self, part: PartRequest) -> Result<ETag, S3Error> {
        let admitted = self.admit(&Call::UploadPart { upload: &part.upload, number: part.number })?;
        let PartRequest { upload, number, body } = part;
        let body = admitted.read(body).await?;
        let etag = etag_of(&body);
        self.state().upload(&admitted, &upload)?.parts.insert(number, body);
        admitted.response(etag)
    }

    async fn copy_part(&self, part: CopyPartRequest) -> Result<ETag, S3Error> {
        let admitted = self.admit(&Call::CopyPart(&part))?;
        let source = self.source(&admitted, &part.source)?;
        if part.range.is_empty() || part.range.end > source.facts().size {
            return Err(admitted.error(S3ErrorKind::Other, "the range is not within the source"));
        }
        let (body, _) = source.part(&part.range).content();
        let etag = etag_of(&body);
        self.state().upload(&admitted, &part.upload)?.parts.insert(part.number, body);
        admitted.response(etag)
    }

    async fn complete_upload(&self, complete: CompleteRequest) -> Result<Written, S3Error> {
        let admitted = self.admit(&Call::CompleteUpload(&complete))?;
        let CompleteRequest { upload, parts, condition } = complete;
        let mut state = self.state();
        let begun = state.upload(&admitted, &upload).map_err(|error| error.with_effect(EffectCertainty::Unknown))?;
        let object = joined(&admitted, &begun.parts, &parts, self.min_part_bytes)?;
        admitted.check(&state, &upload.key, condition.as_ref())?;
        let begun = state.uploads.remove(&upload.id).expect("invariant: it was found above");
        let written = state.store(upload.key, object, begun.metadata, begun.storage_class.as_deref());
        admitted.response(written)
    }

    async fn abort_upload(&self, upload: &OpenUpload) -> Result<(), S3Error> {
        let admitted = self.admit(&Call::AbortUpload(upload))?;
        let mut state = self.state();
        state.upload(&admitted, upload)?;
        state.uploads.remove(&upload.id);
        admitted.response(())
    }

    async fn list_parts(&self, request: ListPartsRequest) -> Result<PartsPage, S3Error> {
        let admitted = self.admit(&Call::ListParts(&request))?;
        let mut state = self.state();
        let upload = state.upload(&admitted, &request.upload)?;
        let mut following = upload.parts.range(request.after + 1..);
        let stored = |(number, body): (&u16, &Bytes)| StoredPart { number: *number, etag: etag_of(body), size: body.len() as u64 };
        let parts: Vec<_> = following.by_ref().take(request.max_parts.into()).map(stored).collect();
        let next = following.next().and(parts.last()).map(|last| last.number);
        Ok(PartsPage { parts, next })
    }

    async fn list_uploads(&self, request: ListUploadsRequest) -> Result<UploadsPage, S3Error> {
        self.admit(&Call::ListUploads(&request))?;
        let state = self.state();
        let mut uploads: Vec<_> = state.uploads.iter().map(|(id, upload)| OpenUpload { key: upload.key.clone(), id: id.clone() }).collect();
        uploads.sort();
        let is_after = |upload: &OpenUpload| {
            request.from.as_ref().is_none_or(|from| (upload.key.as_str(), &*upload.id) > (from.key.as_str(), &*from.id))
        };
        let mut following = uploads.into_iter().filter(|upload| upload.key.as_str().starts_with(&request.prefix) && is_after(upload));
        let listed = |upload| ListedUpload { upload, initiated: None };
        let uploads: Vec<_> = following.by_ref().take(request.max_uploads.into()).map(listed).collect();
        let next = following.next().and(uploads.last()).map(|last| &last.upload);
        let next = next.map(|last| UploadCursor { key: last.key.as_str().to_owned(), id: last.id.clone() });
        Ok(UploadsPage { uploads, next })
    }
}

/// The object of the named parts, as S3 joins them: its ETag is no MD5 of its bytes.
fn joined(
    admitted: &Admitted,
    uploaded: &BTreeMap<u16, Bytes>,
    named: &[StoredPart],
    min_part_bytes: u64,
) -> Result<MemoryObject, S3Error> {
    let refused = |words: &str| admitted.error(S3ErrorKind::Other, words);
    if named.is_empty() || !named.is_sorted_by(|a, b| a.number < b.number) {
        return Err(refused("the parts are not in ascending order, or there are none"));
    }
    let (mut body, mut digests) = (BytesMut::new(), Vec::new());
    for (index, part) in named.iter().enumerate() {
        let bytes = uploaded.get(&part.number).filter(|bytes| etag_of(bytes) == part.etag);
        let bytes = bytes.ok_or_else(|| refused(&format!("InvalidPart: part {} was not uploaded", part.number)))?;
        if index + 1 < named.len() && (bytes.len() as u64) < min_part_bytes {
            return Err(refused(&format!("EntityTooSmall: part {} has {} bytes", part.number, bytes.len())));
        }
        body.extend_from_slice(bytes);
        digests.extend(Checksum::of(ChecksumAlgorithm::Md5, bytes).digest);
    }
    let etag = format!("{}-{}", etag_of(&digests).as_str(), named.len());
    Ok(MemoryObject::new(body.freeze()).etag(&etag))
}

/// The ETag of bytes that were written in one piece.
fn etag_of(bytes: &[u8]) -> ETag {
    let md5 = Checksum::of(ChecksumAlgorithm::Md5, bytes).to_string();
    ETag::parse(md5.trim_start_matches("MD5 ")).expect("invariant: an MD5 is not empty")
}
