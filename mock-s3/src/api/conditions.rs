//! The preconditions of GET, HEAD and copy, in the order of RFC 9110.

use super::{etag, timestamp};
use crate::object::StoredObject;
use crate::store::{holds, precondition_failed};
use hyper::HeaderMap;
use hyper::header::ETAG;
use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3Result, s3_error};

/// The preconditions of a read.
pub(super) struct ReadCondition<'a> {
    pub(super) matches: Option<&'a ETagCondition>,
    pub(super) unmodified_since: Option<&'a Timestamp>,
    pub(super) none_matches: Option<&'a ETagCondition>,
    pub(super) modified_since: Option<&'a Timestamp>,
}

impl ReadCondition<'_> {
    pub(super) fn check(&self, object: &StoredObject) -> S3Result<()> {
        let modified = timestamp(object.last_modified);
        let is_wanted_one = match (self.matches, self.unmodified_since) {
            (Some(condition), _) => holds(condition, object),
            (None, Some(time)) => modified <= *time,
            (None, None) => true,
        };
        if !is_wanted_one {
            return Err(precondition_failed());
        }
        let is_known = match (self.none_matches, self.modified_since) {
            (Some(condition), _) => holds(condition, object),
            (None, Some(time)) => modified <= *time,
            (None, None) => false,
        };
        if is_known { Err(not_modified(object)) } else { Ok(()) }
    }
}

fn not_modified(object: &StoredObject) -> S3Error {
    let mut error = s3_error!(NotModified);
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, etag(object).to_http_header().expect("invariant: hexadecimal digits fit into a header"));
    error.set_headers(headers);
    error
}
