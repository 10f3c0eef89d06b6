//! What a test can order from a bucket in memory, and what it is asked with. The bucket does it.

use super::super::{GetRequest, ListRequest, S3ErrorKind};
use super::MemoryObject;
use crate::record::ObjectKey;

/// A call that is about to be answered.
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
    /// The key that it is about, if it is about one.
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

/// What goes wrong with one call. Those that a call does not have (a short body of a HEAD) do nothing.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The call fails with this.
    Error(S3ErrorKind),
    /// Another object takes the key's place just before the call is answered.
    Replaced(MemoryObject),
    /// The object goes just before the call is answered.
    Removed,
    /// The bucket goes just before the call is answered.
    BucketGone,
    /// The listing tells no ETags.
    NoETags,
    /// The body ends quietly after this many bytes.
    ShortBody {
        /// Bytes that still come.
        after: usize,
    },
    /// The body breaks off with an error after this many bytes.
    BrokenBody {
        /// Bytes that still come.
        after: usize,
        /// What it breaks off with.
        kind: S3ErrorKind,
    },
    /// One bit of the body is wrong.
    WrongByte {
        /// Where; beyond the end = in the last byte.
        at: usize,
    },
    /// A byte follows after the end of the body.
    LongBody,
}

/// Calls by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Pages asked for.
    pub lists: u64,
    /// Looks at the bucket.
    pub head_buckets: u64,
    /// Looks at keys.
    pub heads: u64,
    /// Objects asked for.
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
