//! The causes of a failed HTTP request, as text.

use std::error::Error;

/// The chain of causes, without the outermost error, which only repeats the address.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let inner: Vec<_> = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source()).map(ToString::to_string).collect();
    if inner.is_empty() { "the request could not be built".to_owned() } else { inner.join(": ") }
}
