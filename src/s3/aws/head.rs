//! The headers of a HEAD or a GET: the object's metadata, and the checksum that covers the whole body.

use crate::record::{ETag, ObjectFacts};
use crate::s3::{Checksum, ChecksumAlgorithm, ObjectHead, ObjectMetadata};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ChecksumType, ServerSideEncryption};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

/// The headers that both calls have.
#[derive(Clone, Debug)]
pub(super) struct RawHead<'a> {
    size: Option<i64>,
    etag: Option<&'a str>,
    last_modified: Option<&'a DateTime>,
    storage_class: Option<&'a str>,
    version_id: Option<&'a str>,
    metadata: ObjectMetadata,
    checksums: [(ChecksumAlgorithm, Option<&'a str>); 5],
    checksum_type: Option<&'a ChecksumType>,
    encryption: Option<&'a ServerSideEncryption>,
    customer_key: Option<&'a str>,
}

/// A macro, because both outputs have the same accessors but no common trait.
macro_rules! raw_head {
    ($output:expr) => {
        RawHead {
            size: $output.content_length(),
            etag: $output.e_tag(),
            last_modified: $output.last_modified(),
            storage_class: $output.storage_class().map(|class| class.as_str()),
            version_id: $output.version_id(),
            metadata: ObjectMetadata {
                content_type: $output.content_type().map(str::to_owned),
                content_encoding: $output.content_encoding().and_then(without_transfer_coding),
                content_language: $output.content_language().map(str::to_owned),
                content_disposition: $output.content_disposition().map(str::to_owned),
                cache_control: $output.cache_control().map(str::to_owned),
                user: $output.metadata().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect(),
            },
            checksums: [
                (ChecksumAlgorithm::Crc64Nvme, $output.checksum_crc64_nvme()),
                (ChecksumAlgorithm::Crc32c, $output.checksum_crc32_c()),
                (ChecksumAlgorithm::Crc32, $output.checksum_crc32()),
                (ChecksumAlgorithm::Sha256, $output.checksum_sha256()),
                (ChecksumAlgorithm::Sha1, $output.checksum_sha1()),
            ],
            checksum_type: $output.checksum_type(),
            encryption: $output.server_side_encryption(),
            customer_key: $output.sse_customer_algorithm(),
        }
    };
}

impl<'a> From<&'a HeadObjectOutput> for RawHead<'a> {
    fn from(output: &'a HeadObjectOutput) -> Self {
        raw_head!(output)
    }
}

impl<'a> From<&'a GetObjectOutput> for RawHead<'a> {
    fn from(output: &'a GetObjectOutput) -> Self {
        raw_head!(output)
    }
}

impl RawHead<'_> {
    /// The validated headers, or a message about the missing one.
    pub(super) fn validated(&self) -> Result<ObjectHead, &'static str> {
        self.length().map(|size| self.with_size(size)).ok_or("the response has no Content-Length")
    }

    /// The length that the response states.
    pub(super) fn length(&self) -> Option<u64> {
        self.size.and_then(|size| u64::try_from(size).ok())
    }

    /// The size; `None` = it is missing, or it is 0 and the ETag is the MD5 of other content. Some servers send 0 in the response to a HEAD.
    pub(super) fn credible_size(&self) -> Option<u64> {
        let size = self.length()?;
        let md5 = self.parsed_etag().and_then(|etag| self.md5_of(&etag));
        let contradicted = size == 0 && md5.is_some_and(|md5| md5 != Checksum::of(ChecksumAlgorithm::Md5, b""));
        (!contradicted).then_some(size)
    }

    pub(super) fn parsed_etag(&self) -> Option<ETag> {
        self.etag.and_then(ETag::parse)
    }

    /// The headers with the object's size, which may be known from another response.
    pub(super) fn with_size(&self, size: u64) -> ObjectHead {
        let facts = ObjectFacts {
            size,
            etag: self.parsed_etag(),
            last_modified: self.last_modified.and_then(timestamp),
            storage_class: self.storage_class.map(str::to_owned),
            version_id: self.version_id.filter(|id| *id != "null").map(str::to_owned),
        };
        let checksum = self.full_body_checksum(facts.etag.as_ref());
        ObjectHead { facts, metadata: self.metadata.clone(), checksum }
    }

    /// As [`Self::validated`], for a response with a range of the body: the size is that of the whole object, and the range has
    /// no checksum.
    pub(super) fn validated_of_part(&self, content_range: Option<&str>) -> Result<ObjectHead, &'static str> {
        let whole = content_range.and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let size = whole.ok_or("a range was asked for, and the answer has no usable Content-Range")?;
        Ok(ObjectHead { checksum: None, ..self.with_size(size) })
    }

    /// The fastest of the object's checksums that covers the whole body; otherwise the MD5 in its ETag.
    fn full_body_checksum(&self, etag: Option<&ETag>) -> Option<Checksum> {
        let in_parts = etag.is_some_and(|etag| etag.as_str().contains('-'));
        let over_whole_body = self.checksum_type.map_or(!in_parts, |kind| *kind == ChecksumType::FullObject);
        let own = self.checksums.iter().filter(|_| over_whole_body).find_map(|(algorithm, value)| {
            let digest = BASE64_STANDARD.decode((*value)?).ok()?;
            (digest.len() == algorithm.digest_bytes()).then_some(Checksum { algorithm: *algorithm, digest })
        });
        own.or_else(|| self.md5_of(etag?))
    }

    /// The MD5 in an ETag. An ETag is the body's MD5 unless the object was written in parts, or is encrypted with a key of KMS or of the
    /// customer.
    fn md5_of(&self, etag: &ETag) -> Option<Checksum> {
        let plain = self.customer_key.is_none() && matches!(self.encryption, None | Some(ServerSideEncryption::Aes256));
        let digest = if plain { hexadecimal(etag.as_str())? } else { return None };
        (digest.len() == ChecksumAlgorithm::Md5.digest_bytes()).then_some(Checksum { algorithm: ChecksumAlgorithm::Md5, digest })
    }
}

/// The encodings of the content. Some servers store `aws-chunked`, which was one of the request that stored the object.
fn without_transfer_coding(encodings: &str) -> Option<String> {
    let kept: Vec<_> = encodings.split(',').map(str::trim).filter(|coding| !coding.is_empty() && *coding != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(", "))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Converts a time; `None` = it is out of range. The time only describes the object, so that is no error.
pub(super) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "25f9e794323b453885f5181f1b624d0b";

    /// A head with a single-part ETag, all checksums of `123456789`, and no checksum type.
    fn head(named: &[(ChecksumAlgorithm, &'static str)]) -> RawHead<'static> {
        use ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
        let value = |wanted| named.iter().find(|(algorithm, _)| *algorithm == wanted).map(|(_, value)| *value);
        RawHead {
            size: Some(9),
            etag: Some("\"25f9e794323b453885f5181f1b624d0b\""),
            last_modified: None,
            storage_class: None,
            version_id: None,
            metadata: ObjectMetadata::default(),
            checksums: [Crc64Nvme, Crc32c, Crc32, Sha256, Sha1].map(|algorithm| (algorithm, value(algorithm))),
            checksum_type: None,
            encryption: None,
            customer_key: None,
        }
    }

    fn chosen(head: &RawHead<'_>) -> Option<String> {
        head.validated().expect("a size").checksum.map(|checksum| checksum.to_string())
    }

    const CRC32: (ChecksumAlgorithm, &str) = (ChecksumAlgorithm::Crc32, "y/Q5Jg==");
    const CRC64: (ChecksumAlgorithm, &str) = (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg=");

    #[test]
    fn the_object_s_own_checksum_comes_first_and_the_fastest_of_several() {
        assert_eq!(chosen(&head(&[CRC32])).as_deref(), Some("CRC32 cbf43926"));
        assert_eq!(chosen(&head(&[CRC32, CRC64])).as_deref(), Some("CRC64NVME ae8b14860a799888"));
    }

    #[test]
    fn a_checksum_over_parts_is_not_one_over_the_body() {
        let etag = Some("\"25f9e794323b453885f5181f1b624d0b-2\"");
        assert_eq!(chosen(&RawHead { etag, ..head(&[CRC32]) }), None);
        assert_eq!(chosen(&RawHead { etag, checksum_type: Some(&ChecksumType::Composite), ..head(&[CRC32]) }), None);
        let whole = RawHead { etag, checksum_type: Some(&ChecksumType::FullObject), ..head(&[CRC32]) };
        assert_eq!(chosen(&whole).as_deref(), Some("CRC32 cbf43926"));
    }

    #[test]
    fn an_invalid_checksum_is_ignored() {
        for nonsense in ["", "y/Q5Jg==-2", "AAAA", "not base64"] {
            assert_eq!(chosen(&head(&[(ChecksumAlgorithm::Crc32, nonsense)])).as_deref(), Some(&*format!("MD5 {MD5}")), "{nonsense}");
        }
    }

    #[test]
    fn an_etag_is_an_md5_only_where_it_can_be_one() {
        assert_eq!(chosen(&head(&[])).as_deref(), Some(&*format!("MD5 {MD5}")));
        assert_eq!(chosen(&RawHead { encryption: Some(&ServerSideEncryption::Aes256), ..head(&[]) }), Some(format!("MD5 {MD5}")));
        for no_md5 in [
            RawHead { encryption: Some(&ServerSideEncryption::AwsKms), ..head(&[]) },
            RawHead { encryption: Some(&ServerSideEncryption::AwsKmsDsse), ..head(&[]) },
            RawHead { customer_key: Some("AES256"), ..head(&[]) },
            RawHead { etag: Some("\"25f9e794323b453885f5181f1b624d0b-1\""), ..head(&[]) },
            RawHead { etag: Some("\"25f9e794\""), ..head(&[]) },
            RawHead { etag: Some("\"zzf9e794323b453885f5181f1b624d0b\""), ..head(&[]) },
            RawHead { etag: None, ..head(&[]) },
        ] {
            assert_eq!(chosen(&no_md5), None, "{no_md5:?}");
        }
    }

    #[test]
    fn a_ranged_response_states_the_size_of_the_whole_object_and_no_checksum() {
        let of_part = |range| RawHead { size: Some(3), ..head(&[CRC32]) }.validated_of_part(range);
        let whole = of_part(Some("bytes 2-4/9")).expect("a size");
        assert_eq!((whole.facts.size, whole.checksum), (9, None));
        for unusable in [None, Some("bytes 2-4/*"), Some("bytes 2-4"), Some("")] {
            assert!(of_part(unusable).is_err(), "{unusable:?}");
        }
    }

    #[test]
    fn the_coding_of_a_request_is_no_encoding_of_the_content() {
        for (sent, expected) in
            [("gzip", Some("gzip")), ("aws-chunked", None), ("gzip,aws-chunked", Some("gzip")), ("", None), ("br, gzip", Some("br, gzip"))]
        {
            assert_eq!(without_transfer_coding(sent).as_deref(), expected, "{sent}");
        }
    }

    #[test]
    fn a_head_without_a_length_is_refused() {
        assert!(RawHead { size: None, ..head(&[]) }.validated().is_err());
        assert!(RawHead { size: Some(-1), ..head(&[]) }.validated().is_err());
    }
}
