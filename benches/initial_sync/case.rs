//! The cases: number and size of the objects, and the checksum of the S3 server.

/// One case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) objects: u64,
    pub(crate) object_bytes: u64,
    /// The value for `mock-s3 --checksum`; without a checksum, the MD5 in the `ETag` verifies a body.
    pub(crate) checksum: &'static str,
}

impl Case {
    pub(crate) fn bytes(&self) -> u64 {
        self.objects * self.object_bytes
    }
}

const GIB: u64 = 1 << 30;

/// Many small objects show the cost per object, a large one the cost per byte.
pub(crate) const CASES: [Case; 4] = [
    Case { name: "10,000 x 4 KiB, CRC64NVME", objects: 10_000, object_bytes: 4096, checksum: "crc64nvme" },
    Case { name: "10,000 x 4 KiB, MD5", objects: 10_000, object_bytes: 4096, checksum: "none" },
    Case { name: "1 x 1 GiB, CRC64NVME", objects: 1, object_bytes: GIB, checksum: "crc64nvme" },
    Case { name: "1 x 1 GiB, MD5", objects: 1, object_bytes: GIB, checksum: "none" },
];
