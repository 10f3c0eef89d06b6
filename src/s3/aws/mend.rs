//! Mends the document of a listing, or of the answer to a write, before the SDK parses it: leaves out elements that are only information and
//! that the SDK cannot parse. Otherwise the SDK would reject the whole document, and would not name the element. Many documents repeat the
//! key, which may have characters that XML does not allow.

mod error_document;
mod scan;

pub(super) use error_document::{MendErrors, element};

use crate::sdk::edit_body;
use crate::telemetry;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use scan::{BadElement, Findings};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

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
        let body = scan::without_cdata(body);
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

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mend = self.clone();
        edit_body(context.response_mut().body_mut(), move |body| mend.mended(body));
        Ok(())
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
