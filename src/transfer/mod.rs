//! Verifies length and checksum of a body while it is streamed from a source to a sink.

mod hashing;
mod verify;

pub use verify::{BodyVerdict, Verification, endpoint_error_in, into_content_stream, verified};
