//! What is synced: how many objects of which size, and what the S3 server vouches for. It measures nothing.

/// One bucket.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) objects: u64,
    pub(crate) object_bytes: u64,
    /// As `mock-s3 --checksum` takes it; without one, the MD5 in the `ETag` is what proves a body.
    pub(crate) checksum: &'static str,
}

impl Case {
    pub(crate) fn bytes(&self) -> u64 {
        self.objects * self.object_bytes
    }
}

const GIB: u64 = 1 << 30;

/// Many small ones, where what is paid per object counts, and a large one, where what is paid per byte does.
pub(crate) const CASES: [Case; 4] = [
    Case { name: "10,000 x 4 KiB, CRC64NVME", objects: 10_000, object_bytes: 4096, checksum: "crc64nvme" },
    Case { name: "10,000 x 4 KiB, MD5", objects: 10_000, object_bytes: 4096, checksum: "none" },
    Case { name: "1 x 1 GiB, CRC64NVME", objects: 1, object_bytes: GIB, checksum: "crc64nvme" },
    Case { name: "1 x 1 GiB, MD5", objects: 1, object_bytes: GIB, checksum: "none" },
];
