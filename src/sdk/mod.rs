//! What the clients of S3 and SQS share: the HTTP client with the trusted authorities, and credentials that are renewed when the server
//! rejects them.

mod credentials;
mod http;
mod source;

pub use credentials::{RenewableCredentials, rejects_credentials};
pub(crate) use http::http_client;
pub use source::{AccessKeys, CredentialSource, ReadKeys};
