//! Checksums: the MD5 of the `ETag`, the additional checksum, and the check of a client's checksums.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use md5::{Digest as _, Md5};
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::{S3Result, TrailingHeaders, s3_error};

/// The checksum algorithms of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    /// S3's default: always over the full object.
    Crc64Nvme,
    /// Composite for multipart uploads, as the following ones.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl ChecksumAlgorithm {
    const ALL: [Self; 5] = [Self::Crc64Nvme, Self::Crc32, Self::Crc32c, Self::Sha1, Self::Sha256];

    /// The header that carries it, in requests, responses and trailers.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The name in listings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "CRC64NVME",
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    fn hasher(self) -> Hasher {
        match self {
            Self::Crc64Nvme => Hasher::Crc64Nvme(Crc64Nvme::new()),
            Self::Crc32 => Hasher::Crc32(Crc32::new()),
            Self::Crc32c => Hasher::Crc32c(Crc32c::new()),
            Self::Sha1 => Hasher::Sha1(Sha1::new()),
            Self::Sha256 => Hasher::Sha256(Sha256::new()),
        }
    }
}

enum Hasher {
    Crc64Nvme(Crc64Nvme),
    Crc32(Crc32),
    Crc32c(Crc32c),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc64Nvme(hasher) => hasher.finalize().to_vec(),
            Self::Crc32(hasher) => hasher.finalize().to_vec(),
            Self::Crc32c(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// The checksum of an object as sent to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) algorithm: ChecksumAlgorithm,
    /// Base64; for a composite one with `-N` after it.
    pub(crate) value: String,
    pub(crate) composite: bool,
}

impl Checksum {
    pub(crate) fn kind(&self) -> &'static str {
        if self.composite { "COMPOSITE" } else { "FULL_OBJECT" }
    }

    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
        let value = HeaderValue::from_str(&self.value).expect("invariant: base64 fits into a header");
        headers.insert(self.algorithm.header(), value);
        headers.insert("x-amz-checksum-type", HeaderValue::from_static(self.kind()));
    }

    /// The same for responses whose XML contains the checksum.
    pub(crate) fn to_dto(&self) -> s3s::dto::Checksum {
        let mut dto = s3s::dto::Checksum::default();
        let value = Some(self.value.clone());
        match self.algorithm {
            ChecksumAlgorithm::Crc64Nvme => dto.checksum_crc64nvme = value,
            ChecksumAlgorithm::Crc32 => dto.checksum_crc32 = value,
            ChecksumAlgorithm::Crc32c => dto.checksum_crc32c = value,
            ChecksumAlgorithm::Sha1 => dto.checksum_sha1 = value,
            ChecksumAlgorithm::Sha256 => dto.checksum_sha256 = value,
        }
        dto.checksum_type = Some(s3s::dto::ChecksumType::from_static(self.kind()));
        dto
    }
}

/// The hashes of a complete body.
#[derive(Clone, Debug)]
pub(crate) struct Digests {
    pub(crate) md5: [u8; 16],
    sums: Vec<(ChecksumAlgorithm, Vec<u8>)>,
}

impl Digests {
    pub(crate) fn of(chunks: impl Iterator<Item = impl AsRef<[u8]>>, algorithm: Option<ChecksumAlgorithm>) -> Self {
        let mut digester = Digester::new(algorithm);
        for chunk in chunks {
            digester.update(chunk.as_ref());
        }
        digester.finish()
    }

    /// The checksum over the full body.
    pub(crate) fn checksum(&self, algorithm: ChecksumAlgorithm) -> Option<Checksum> {
        let digest = self.sum(algorithm)?;
        Some(Checksum { algorithm, value: BASE64_STANDARD.encode(digest), composite: false })
    }

    pub(crate) fn sum(&self, algorithm: ChecksumAlgorithm) -> Option<&[u8]> {
        self.sums.iter().find(|(known, _)| *known == algorithm).map(|(_, digest)| digest.as_slice())
    }
}

/// The checksum of the parts' checksums, as S3 computes it for every algorithm except CRC-64/NVME.
pub(crate) fn composite<'a>(algorithm: ChecksumAlgorithm, parts: impl ExactSizeIterator<Item = &'a [u8]>) -> Checksum {
    let count = parts.len();
    let mut hasher = algorithm.hasher();
    parts.for_each(|digest| hasher.update(digest));
    Checksum { algorithm, value: format!("{}-{count}", BASE64_STANDARD.encode(hasher.finish())), composite: true }
}

/// Hashes a body while it is streamed.
pub(crate) struct Digester {
    md5: Md5,
    hashers: Vec<(ChecksumAlgorithm, Hasher)>,
}

impl Digester {
    pub(crate) fn new(algorithms: impl IntoIterator<Item = ChecksumAlgorithm>) -> Self {
        let mut hashers: Vec<(ChecksumAlgorithm, Hasher)> = Vec::new();
        for algorithm in algorithms {
            if hashers.iter().all(|(known, _)| *known != algorithm) {
                hashers.push((algorithm, algorithm.hasher()));
            }
        }
        Self { md5: Md5::new(), hashers }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        for (_, hasher) in &mut self.hashers {
            hasher.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Digests {
        let sums = self.hashers.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finish())).collect();
        Digests { md5: self.md5.finalize().into(), sums }
    }
}

/// The checksums that a client sends, in headers or in the trailer after the body.
pub(crate) struct Claims<'a> {
    headers: &'a HeaderMap,
    trailer: Option<TrailingHeaders>,
}

impl<'a> Claims<'a> {
    pub(crate) fn new(headers: &'a HeaderMap, trailer: Option<TrailingHeaders>) -> Self {
        Self { headers, trailer }
    }

    pub(crate) fn algorithms(&self) -> impl Iterator<Item = ChecksumAlgorithm> {
        let announced = self.headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).unwrap_or_default();
        ChecksumAlgorithm::ALL
            .into_iter()
            .filter(move |algorithm| self.headers.contains_key(algorithm.header()) || announced.trim() == algorithm.header())
    }

    pub(crate) fn check(&self, digests: &Digests) -> S3Result<()> {
        let trailer = self.trailer.as_ref().and_then(TrailingHeaders::take).unwrap_or_default();
        for algorithm in self.algorithms() {
            let claimed = self.headers.get(algorithm.header()).or_else(|| trailer.get(algorithm.header()));
            let actual = digests.checksum(algorithm).map(|checksum| checksum.value);
            if claimed.map(HeaderValue::as_bytes) != actual.as_ref().map(String::as_bytes) {
                return Err(s3_error!(BadDigest, "{} does not match the body", algorithm.header()));
            }
        }
        let md5 = BASE64_STANDARD.encode(digests.md5);
        match self.headers.get("content-md5") {
            Some(claimed) if claimed.as_bytes() != md5.as_bytes() => Err(s3_error!(BadDigest, "content-md5 does not match the body")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_algorithms() {
        let digests = Digests::of(["1234", "56789"].iter(), Some(ChecksumAlgorithm::Crc64Nvme));
        assert_eq!(digests.sum(ChecksumAlgorithm::Crc64Nvme), Some([0xae, 0x8b, 0x14, 0x86, 0x0a, 0x79, 0x98, 0x88].as_slice()));
        let digests = Digests::of(["123456789"].iter(), Some(ChecksumAlgorithm::Crc32c));
        assert_eq!(digests.sum(ChecksumAlgorithm::Crc32c), Some([0xe3, 0x06, 0x92, 0x83].as_slice()));
        assert_eq!(digests.sum(ChecksumAlgorithm::Crc32), None);
    }
}
