//! The calls of multipart uploads. One attempt each. An error says whether the effect may have happened.

use super::head::timestamp;
use super::mend::MendListing;
use super::sent_body::BodyOnce;
use super::write::{copy_failure, headers_of, of_copy, patient, written};
use super::{AwsBucket, CallInfo, blank_key, sent_metadata};
use crate::endpoint::EffectCertainty;
use crate::record::{ETag, KeyEncoding, ObjectKey};
use crate::s3::{
    CompleteRequest, CopyPartRequest, CreateUploadRequest, ListPartsRequest, ListUploadsRequest, ListedUpload, OpenUpload, PartRequest,
    PartsPage, S3Error, S3ErrorKind, StoredPart, UploadCursor, UploadParts, UploadsPage, Written,
};
use async_trait::async_trait;
use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, EncodingType, MultipartUpload, Part, StorageClass};

#[async_trait]
impl UploadParts for AwsBucket {
    async fn create_upload(&self, create: CreateUploadRequest) -> Result<OpenUpload, S3Error> {
        self.with_valid_credentials(|| self.create_upload_once(&create)).await
    }

    async fn upload_part(&self, part: PartRequest) -> Result<ETag, S3Error> {
        let PartRequest { upload, number, body } = part;
        let (call, body) = (CallInfo { operation: "UploadPart", key: Some(&upload.key) }, BodyOnce::new(body));
        let attempt = || async {
            let (sent, progress) = body.for_attempt().ok_or_else(|| self.body_is_gone(call))?;
            let sending = self
                .client
                .upload_part()
                .bucket(&self.bucket)
                .key(blank_key::accepted(&upload.key))
                .upload_id(&upload.id)
                .part_number(number.into())
                .body(sent)
                .customize()
                .interceptor(MendListing::default())
                .mutate_request(blank_key::restored(&upload.key))
                .config_override(patient())
                .send();
            let output = self.within_body(call, &progress, sending).await?;
            output.e_tag().and_then(ETag::parse).ok_or_else(|| self.unreadable(call, "it names no ETag"))
        };
        Box::pin(self.with_valid_credentials(attempt)).await
    }

    async fn copy_part(&self, part: CopyPartRequest) -> Result<ETag, S3Error> {
        Box::pin(self.with_valid_credentials(|| self.copy_part_once(&part))).await
    }

    async fn complete_upload(&self, complete: CompleteRequest) -> Result<Written, S3Error> {
        Box::pin(self.with_valid_credentials(|| self.complete_once(&complete))).await
    }

    async fn abort_upload(&self, upload: &OpenUpload) -> Result<(), S3Error> {
        self.with_valid_credentials(|| self.abort_once(upload)).await
    }

    async fn list_parts(&self, request: ListPartsRequest) -> Result<PartsPage, S3Error> {
        self.with_valid_credentials(|| self.list_parts_once(&request)).await
    }

    async fn list_uploads(&self, request: ListUploadsRequest) -> Result<UploadsPage, S3Error> {
        self.with_valid_credentials(|| self.list_uploads_once(&request)).await
    }
}

impl AwsBucket {
    async fn create_upload_once(&self, create: &CreateUploadRequest) -> Result<OpenUpload, S3Error> {
        let CreateUploadRequest { key, metadata, storage_class } = create;
        let call = CallInfo { operation: "CreateMultipartUpload", key: Some(key) };
        let sending = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(blank_key::accepted(key))
            .set_content_type(sent_metadata::described(metadata.content_type.as_ref()))
            .set_content_encoding(sent_metadata::described(metadata.content_encoding.as_ref()))
            .set_content_language(sent_metadata::described(metadata.content_language.as_ref()))
            .set_content_disposition(sent_metadata::described(metadata.content_disposition.as_ref()))
            .set_cache_control(sent_metadata::described(metadata.cache_control.as_ref()))
            .set_metadata(sent_metadata::user(metadata))
            .set_storage_class(storage_class.as_deref().map(StorageClass::from))
            .customize()
            .interceptor(MendListing::default())
            .mutate_request(blank_key::restored(key))
            .send();
        let output = self.within_write(call, self.call_timeout, sending).await?;
        let id = output.upload_id().filter(|id| !id.is_empty()).ok_or_else(|| self.unreadable(call, "it names no upload id"))?;
        Ok(OpenUpload { key: key.clone(), id: id.to_owned() })
    }

    async fn copy_part_once(&self, part: &CopyPartRequest) -> Result<ETag, S3Error> {
        let CopyPartRequest { upload, number, source, range } = part;
        let call = CallInfo { operation: "UploadPartCopy", key: Some(&upload.key) };
        let sending = self
            .client
            .upload_part_copy()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&upload.key))
            .upload_id(&upload.id)
            .part_number((*number).into())
            .copy_source(sent_metadata::copy_source(source))
            .set_copy_source_if_match(source.if_match.as_ref().map(ETag::quoted))
            .copy_source_range(format!("bytes={}-{}", range.start, range.end.saturating_sub(1)))
            .customize()
            .interceptor(MendListing::default())
            .mutate_request(blank_key::restored(&upload.key))
            .config_override(patient())
            .send();
        let mut cause = None;
        let answer = async { sending.await.inspect_err(|error| cause = Some(copy_failure(error, source, None))) };
        let answer = self.within_server_side(call, answer).await;
        let output = answer.map_err(|error| of_copy(error, cause, source))?;
        let etag = output.copy_part_result().and_then(|result| result.e_tag()).and_then(ETag::parse);
        etag.ok_or_else(|| self.unreadable(call, "it names no ETag"))
    }

    async fn complete_once(&self, complete: &CompleteRequest) -> Result<Written, S3Error> {
        let CompleteRequest { upload, parts, condition } = complete;
        let call = CallInfo { operation: "CompleteMultipartUpload", key: Some(&upload.key) };
        let part = |part: &StoredPart| CompletedPart::builder().part_number(part.number.into()).e_tag(part.etag.quoted()).build();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.iter().map(part).collect())).build();
        let (if_match, if_none_match) = headers_of(condition.as_ref());
        let sending = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&upload.key))
            .upload_id(&upload.id)
            .multipart_upload(parts)
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .customize()
            .interceptor(MendListing::default())
            .mutate_request(blank_key::restored(&upload.key))
            .config_override(patient())
            .send();
        let output = self.within_server_side(call, sending).await.map_err(|error| match error.kind {
            // An earlier call whose response was lost may have completed it.
            S3ErrorKind::NoSuchUpload => error.with_effect(EffectCertainty::Unknown),
            _ => error,
        })?;
        // A response that breaks off has no ETag either.
        output.e_tag().map(|etag| written(Some(etag), output.version_id())).ok_or_else(|| self.unreadable(call, "it names no ETag"))
    }

    async fn abort_once(&self, upload: &OpenUpload) -> Result<(), S3Error> {
        let call = CallInfo { operation: "AbortMultipartUpload", key: Some(&upload.key) };
        let sending = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&upload.key))
            .upload_id(&upload.id)
            .customize()
            .interceptor(MendListing::default())
            .mutate_request(blank_key::restored(&upload.key))
            .send();
        self.within_write(call, self.call_timeout, sending).await.map(drop)
    }

    async fn list_parts_once(&self, request: &ListPartsRequest) -> Result<PartsPage, S3Error> {
        let ListPartsRequest { upload, after, max_parts } = request;
        let call = CallInfo { operation: "ListParts", key: Some(&upload.key) };
        let sending = self
            .client
            .list_parts()
            .bucket(&self.bucket)
            .key(blank_key::accepted(&upload.key))
            .upload_id(&upload.id)
            .max_parts(i32::from(*max_parts))
            .set_part_number_marker((*after > 0).then(|| after.to_string()))
            .customize()
            .interceptor(MendListing::default())
            .mutate_request(blank_key::restored(&upload.key))
            .send();
        let output = self.within(call, sending).await?;
        let parts: Vec<_> = output.parts().iter().filter_map(stored_part).collect();
        let marker = output.next_part_number_marker().and_then(|marker| marker.parse().ok()).or(parts.last().map(|last| last.number));
        // Without progress the next page would be this one.
        let next = marker.filter(|next| output.is_truncated() == Some(true) && next > after);
        Ok(PartsPage { parts, next })
    }

    async fn list_uploads_once(&self, request: &ListUploadsRequest) -> Result<UploadsPage, S3Error> {
        let ListUploadsRequest { prefix, from, max_uploads } = request;
        let call = CallInfo { operation: "ListMultipartUploads", key: None };
        let sending = self
            .client
            .list_multipart_uploads()
            .bucket(&self.bucket)
            .encoding_type(EncodingType::Url)
            .max_uploads(i32::from(*max_uploads))
            .set_prefix((!prefix.is_empty()).then(|| prefix.clone()))
            .set_key_marker(from.as_ref().map(|from| from.key.clone()))
            .set_upload_id_marker(from.as_ref().map(|from| from.id.clone()).filter(|id| !id.is_empty()))
            .customize()
            .interceptor(MendListing::default())
            .send();
        let output = self.within(call, sending).await?;
        let encoded = output.encoding_type() == Some(&EncodingType::Url);
        let uploads = output.uploads().iter().filter_map(|upload| listed_upload(upload, encoded)).collect();
        let next = next_uploads(&output, encoded).filter(|next| output.is_truncated() == Some(true) && Some(next) != from.as_ref());
        Ok(UploadsPage { uploads, next })
    }
}

/// A part as listed; `None` = it lacks what completing needs.
fn stored_part(part: &Part) -> Option<StoredPart> {
    let number = u16::try_from(part.part_number()?).ok()?;
    Some(StoredPart { number, etag: part.e_tag().and_then(ETag::parse)?, size: u64::try_from(part.size()?).ok()? })
}

fn listed_upload(upload: &MultipartUpload, encoded: bool) -> Option<ListedUpload> {
    let key = ObjectKey::new(decoded(upload.key()?, encoded)).ok()?;
    let upload_id = upload.upload_id()?.to_owned();
    Some(ListedUpload { upload: OpenUpload { key, id: upload_id }, initiated: upload.initiated().and_then(timestamp) })
}

fn next_uploads(output: &ListMultipartUploadsOutput, encoded: bool) -> Option<UploadCursor> {
    let key = decoded(output.next_key_marker()?, encoded);
    Some(UploadCursor { key, id: output.next_upload_id_marker().unwrap_or_default().to_owned() })
}

fn decoded(written: &str, encoded: bool) -> String {
    let decoded = if encoded { KeyEncoding::Form.decode(written) } else { None };
    decoded.unwrap_or_else(|| written.to_owned())
}
