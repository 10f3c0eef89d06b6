//! What the clients of S3 and SQS share: the HTTP client with the trusted authorities, credentials that are renewed when the server
//! rejects them, and the editing of responses that the SDK cannot parse.

mod credentials;
mod edited_body;
mod http;
mod source;

pub use credentials::{RenewableCredentials, rejects_credentials};
pub(crate) use edited_body::edit_body;
pub(crate) use http::http_client;
pub use source::{AccessKeys, CredentialSource, ReadKeys};
