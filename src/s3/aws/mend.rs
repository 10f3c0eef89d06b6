//! Mends the document of a listing, or of the answer to a write, before the SDK parses it: leaves out elements that are only information and
//! that the SDK cannot parse. Otherwise the SDK would reject the whole document, and would not name the element. Many documents repeat the
//! key, which may have characters that XML does not allow.

mod scan;

use crate::telemetry;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, ByteStreamError, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame};
use scan::{BadElement, Findings};
use std::collections::BTreeMap;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// An interceptor that mends one document. Clones share what it finds.
#[derive(Clone, Debug, Default)]
pub(super) struct MendListing(Arc<Mutex<Mended>>);

/// What was wrong with a listing.
#[derive(Debug, Default)]
pub(super) struct Mended {
    /// How many elements were left out, by name; `other` for those that are not read.
    pub(super) left_out: BTreeMap<&'static str, u64>,
    /// The first element that decides and cannot be used.
    pub(super) refused: Option<BadElement>,
}

impl MendListing {
    /// What was wrong with the listing.
    pub(super) fn into_findings(self) -> Mended {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn mended(&self, body: Vec<u8>) -> Vec<u8> {
        let Findings { left_out, refused } = scan::findings(&body);
        let mut mended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (element, _) in &left_out {
            *mended.left_out.entry(*element).or_default() += 1;
        }
        for (element, count) in &mended.left_out {
            tracing::debug!(element, count, "unreadable elements of a listing are left out");
            telemetry::metrics().mended_elements(element, *count);
        }
        mended.refused = refused;
        if left_out.is_empty() { body } else { without(&body, &left_out) }
    }
}

impl Intercept for MendListing {
    fn name(&self) -> &'static str {
        "MendListing"
    }

    /// The body has not arrived yet, so it is wrapped in one that mends it on arrival.
    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let inner = ByteStream::new(std::mem::replace(body, SdkBody::taken()));
        *body = SdkBody::from_body_1_x(MendedBody { inner: Some(inner), received: Vec::new(), mend: self.clone() });
        Ok(())
    }
}

/// A body that is collected and mended as a whole. The parser needs the whole body in any case.
struct MendedBody {
    /// `None` = it was read.
    inner: Option<ByteStream>,
    received: Vec<u8>,
    mend: MendListing,
}

impl Body for MendedBody {
    type Data = Bytes;
    type Error = ByteStreamError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ByteStreamError>>> {
        while let Some(inner) = self.inner.as_mut() {
            match ready!(Pin::new(inner).poll_next(context)) {
                Some(Ok(bytes)) => self.received.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    self.inner = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.inner = None;
                    let received = std::mem::take(&mut self.received);
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from(self.mend.mended(received))))));
                }
            }
        }
        Poll::Ready(None)
    }
}

fn without(body: &[u8], elements: &[(&'static str, Range<usize>)]) -> Vec<u8> {
    let (mut kept, mut from) = (Vec::with_capacity(body.len()), 0);
    for (_, element) in elements {
        kept.extend_from_slice(&body[from..element.start]);
        from = element.end;
    }
    kept.extend_from_slice(&body[from..]);
    kept
}

#[cfg(test)]
mod tests;
