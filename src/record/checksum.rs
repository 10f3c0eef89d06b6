//! Checksums over whole bodies: computation and text form. `s3` chooses one from an object's headers.

use crc_fast::{CrcAlgorithm, Digest as CrcDigest};
use md5::Digest as _;
use std::fmt;

/// A checksum over the whole body, decoded from its base64 or hexadecimal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// The digest, big-endian.
    pub digest: Vec<u8>,
}

impl Checksum {
    /// The checksum of bytes in memory.
    pub fn of(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }
}

/// `MD5 d41d8cd9…`
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.algorithm)?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// S3's checksum algorithms for full bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumAlgorithm {
    /// `x-amz-checksum-crc64nvme`
    Crc64Nvme,
    /// `x-amz-checksum-crc32c`
    Crc32c,
    /// `x-amz-checksum-crc32`
    Crc32,
    /// `x-amz-checksum-sha256`
    Sha256,
    /// `x-amz-checksum-sha1`
    Sha1,
    /// The ETag of an object written in one part, without SSE-KMS or SSE-C.
    Md5,
}

impl ChecksumAlgorithm {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Crc64Nvme, Self::Crc32c, Self::Crc32, Self::Sha256, Self::Sha1, Self::Md5];

    /// The name that S3's documentation uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "CRC64NVME",
            Self::Crc32c => "CRC32C",
            Self::Crc32 => "CRC32",
            Self::Sha256 => "SHA256",
            Self::Sha1 => "SHA1",
            Self::Md5 => "MD5",
        }
    }

    /// Length of the digest in bytes.
    pub fn digest_bytes(self) -> usize {
        match self {
            Self::Crc32c | Self::Crc32 => 4,
            Self::Crc64Nvme => 8,
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

impl fmt::Display for ChecksumAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Computes a checksum incrementally.
pub struct Hasher {
    algorithm: ChecksumAlgorithm,
    state: State,
}

/// The CRC's state is boxed, because it is several times larger than the others.
enum State {
    Crc(Box<CrcDigest>),
    Sha256(sha2::Sha256),
    Sha1(sha1::Sha1),
    Md5(md5::Md5),
}

impl Hasher {
    /// A hasher without input.
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        let crc = |crc| State::Crc(Box::new(CrcDigest::new(crc)));
        let state = match algorithm {
            ChecksumAlgorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            ChecksumAlgorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            ChecksumAlgorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            ChecksumAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            ChecksumAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            ChecksumAlgorithm::Md5 => State::Md5(md5::Md5::new()),
        };
        Self { algorithm, state }
    }

    /// Hashes the next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
        }
    }

    /// The checksum of all bytes.
    pub fn finish(self) -> Checksum {
        let digest = match self.state {
            State::Crc(state) => state.finalize().to_be_bytes()[8 - self.algorithm.digest_bytes()..].to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
            State::Sha1(state) => state.finalize().to_vec(),
            State::Md5(state) => state.finalize().to_vec(),
        };
        Checksum { algorithm: self.algorithm, digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogues, all over `123456789`.
    #[test]
    fn every_algorithm_gives_its_published_check_value() {
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc64Nvme, "CRC64NVME ae8b14860a799888"),
            (ChecksumAlgorithm::Crc32c, "CRC32C e3069283"),
            (ChecksumAlgorithm::Crc32, "CRC32 cbf43926"),
            (ChecksumAlgorithm::Sha256, "SHA256 15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
            (ChecksumAlgorithm::Sha1, "SHA1 f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (ChecksumAlgorithm::Md5, "MD5 25f9e794323b453885f5181f1b624d0b"),
        ] {
            let checksum = Checksum::of(algorithm, b"123456789");
            assert_eq!(checksum.to_string(), expected);
            assert_eq!(checksum.digest.len(), algorithm.digest_bytes());
        }
    }
}
