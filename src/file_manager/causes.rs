//! Why a request of the HTTP client failed, in the words of its causes.

use std::error::Error;

/// The chain of causes without the outermost, which only repeats the address.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let inner: Vec<_> = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source()).map(ToString::to_string).collect();
    if inner.is_empty() { "the request could not be made".to_owned() } else { inner.join(": ") }
}
