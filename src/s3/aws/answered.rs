//! What a server answered, before this client mends, completes or compares it. Only `s3-sync test` makes these calls. All are reads.

use super::head::RawHead;
use super::{AwsBucket, CallInfo, body_of};
use crate::record::{Checksum, ETag, ObjectKey};
use crate::s3::{GetRequest, ListPage, ListRequest, S3ByteStream, S3Error, S3ErrorKind};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{EncodingType, Object};
use std::time::Duration;
use url::Url;

/// A page of a listing.
#[derive(Clone, Debug)]
pub struct AnsweredPage {
    /// Its entries, in the server's order.
    pub entries: Vec<AnsweredEntry>,
    /// True if the response says that its keys are url-encoded.
    pub says_encoded: bool,
    /// The truncation flag; `None` = there is none.
    pub truncated: Option<bool>,
    /// The page as a run gets it.
    pub page: ListPage,
}

/// An entry of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredEntry {
    /// The key as it is written in the response. Not empty.
    pub written: String,
    /// True if the entry has a time that can be read.
    pub has_time: bool,
}

/// The headers of a HEAD or a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredObject {
    /// `Content-Length`.
    pub length: Option<u64>,
    /// `Content-Range`.
    pub range: Option<String>,
    /// `ETag`.
    pub etag: Option<ETag>,
    /// True if `Last-Modified` can be read.
    pub has_time: bool,
    /// The checksum with which a run verifies the body: the object's own, else the MD5 in its ETag.
    pub checksum: Option<Checksum>,
}

impl AwsBucket {
    /// Lists one page. What a run refuses is an error here, too, so that each entry has a key.
    pub async fn answered_page(&self, request: &ListRequest) -> Result<AnsweredPage, S3Error> {
        let (output, left_out) = self.list_output(request).await?;
        let (entries, says_encoded) = (entries(&output), output.encoding_type == Some(EncodingType::Url));
        let truncated = output.is_truncated;
        Ok(AnsweredPage { entries, says_encoded, truncated, page: self.validated_page(request, output, left_out).await? })
    }

    /// True if the bucket's name stands in the path of requests. The SDK puts it there, too, if no host name can hold it: a signed request,
    /// which is not sent, shows it.
    pub async fn is_addressed_by_path(&self) -> Result<bool, S3Error> {
        const KEY: &str = "k";
        let call = CallInfo { operation: "GetObject", key: None };
        let lifetime = PresigningConfig::expires_in(Duration::from_mins(1));
        let lifetime = lifetime.map_err(|error| self.error(call, S3ErrorKind::Other, &error.to_string()))?;
        let signed = self.client.get_object().bucket(&self.bucket).key(KEY).presigned(lifetime).await;
        let signed = signed.map_err(|error| self.failed(call, &error))?;
        Ok(Url::parse(signed.uri()).is_ok_and(|url| url.path() != format!("{}/{KEY}", self.base_path)))
    }

    /// Reads the headers of one object.
    pub async fn answered_head(&self, key: &ObjectKey) -> Result<AnsweredObject, S3Error> {
        let output = self.head_output(key).await?;
        Ok(answered(&RawHead::from(&output), None))
    }

    /// Reads one object, or a range of it. Another ETag than the expected one is an error only if the server says so.
    pub async fn answered_get(&self, request: &GetRequest) -> Result<(AnsweredObject, S3ByteStream), S3Error> {
        let output = self.get_output(request).await?;
        let object = answered(&RawHead::from(&output), output.content_range());
        Ok((object, body_of(output, request.key.clone())))
    }
}

fn entries(output: &ListObjectsV2Output) -> Vec<AnsweredEntry> {
    let entry = |object: &Object| AnsweredEntry {
        written: object.key().unwrap_or_default().to_owned(),
        has_time: object.last_modified().is_some(),
    };
    output.contents().iter().map(entry).collect()
}

fn answered(raw: &RawHead<'_>, range: Option<&str>) -> AnsweredObject {
    let length = raw.length();
    let head = raw.with_size(length.unwrap_or_default());
    AnsweredObject {
        length,
        range: range.map(str::to_owned),
        etag: head.facts.etag,
        has_time: head.facts.last_modified.is_some(),
        checksum: head.checksum,
    }
}
