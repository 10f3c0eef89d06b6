//! Transfer of bytes: counts and hashes a body while it passes. It neither requests bodies nor stores them.

mod hashing;
mod verify;

pub use verify::{Verdict, Verification, endpoint_error_in, into_content_stream, verified};
