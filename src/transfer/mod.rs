//! Moves bodies from a source to a sink: verifies length and checksum while a body is streamed, and sends large ones in parts.

mod hashing;
mod verify;
mod part_size;
mod body_parts;
mod part_upload;
mod multipart;

pub use multipart::{LargeObject, MultipartUpload, StoreCheckpoint};
pub use part_size::MultipartLimits;
pub use verify::{BodyVerdict, Verification, endpoint_error_in, into_content_stream, verified};
