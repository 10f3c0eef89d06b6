//! The faults that a test can inject into a bucket in memory, and the calls that its hook receives.

use super::super::{GetRequest, ListRequest, S3ErrorKind};
use super::MemoryObject;
use crate::record::ObjectKey;

/// A call, before it is served.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// `list_page`
    List(&'a ListRequest),
    /// `head_bucket`
    HeadBucket,
    /// `head_object`
    Head(&'a ObjectKey),
    /// `get_object`
    Get(&'a GetRequest),
}

impl Call<'_> {
    /// The key of the call, if it has one.
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::List(_) | Self::HeadBucket => None,
            Self::Head(key) => Some(key),
            Self::Get(request) => Some(&request.key),
        }
    }

    /// The operation's name in S3.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::List(_) => "ListObjectsV2",
            Self::HeadBucket => "HeadBucket",
            Self::Head(_) => "HeadObject",
            Self::Get(_) => "GetObject",
        }
    }
}

/// A fault of one call. A fault that does not apply to the call, such as a short body of a HEAD, is ignored.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The call fails with this kind.
    Error(S3ErrorKind),
    /// The object is replaced just before the call is served.
    Replaced(MemoryObject),
    /// The object is deleted just before the call is served.
    Removed,
    /// The bucket is deleted just before the call is served.
    BucketGone,
    /// The listing has no ETags.
    NoETags,
    /// The listing declares its keys as url-encoded, which they are not, and has no ETags: as that of s3s-fs 0.14.1.
    UnencodedKeys,
    /// The body ends without an error after this many bytes.
    ShortBody {
        /// The number of bytes before the fault.
        after: usize,
    },
    /// The body breaks off with an error after this many bytes.
    BrokenBody {
        /// The number of bytes before the fault.
        after: usize,
        /// The kind of the error.
        kind: S3ErrorKind,
    },
    /// One bit of the body is wrong.
    WrongByte {
        /// The position of the byte; beyond the end = the last byte.
        at: usize,
    },
    /// The body has an additional byte.
    LongBody,
}

/// The number of calls by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// `list_page`
    pub lists: u64,
    /// `head_bucket`
    pub head_buckets: u64,
    /// `head_object`
    pub heads: u64,
    /// `get_object`
    pub gets: u64,
}

impl CallCounts {
    pub(super) fn count(&mut self, call: &Call<'_>) {
        let counter = match call {
            Call::List(_) => &mut self.lists,
            Call::HeadBucket => &mut self.head_buckets,
            Call::Head(_) => &mut self.heads,
            Call::Get(_) => &mut self.gets,
        };
        *counter += 1;
    }
}

pub(super) type Hook = Box<dyn FnMut(&Call<'_>) -> Option<Fault> + Send>;
