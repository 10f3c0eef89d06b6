//! Moving bytes: a body is counted and hashed while it passes. It neither asks for bodies nor stores them.

mod hashing;
mod verify;

pub use verify::{Verdict, Verification, endpoint_error_in, into_content_stream, verified};
