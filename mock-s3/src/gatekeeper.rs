//! The checks before every operation: credentials, the log, and ordered faults.

use crate::edit::Edit;
use crate::fault::Fault;
use crate::keys::Rejection;
use crate::mock::Shared;
use crate::object::StoredObject;
use crate::requests::Request;
use crate::wire::{Link, Tamper};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, StatusCode};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Gatekeeper {
    shared: Arc<Shared>,
}

impl Gatekeeper {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    async fn apply(&self, fault: Fault, request: &Request, link: &Link) -> S3Result<()> {
        let (bucket, key) = (request.bucket.as_deref(), request.key.as_deref());
        match fault {
            Fault::Error { status, code, retry_after } => return Err(error_answer(status, &code, retry_after)),
            Fault::Delay(time) => tokio::time::sleep(time).await,
            Fault::Hang => std::future::pending().await,
            Fault::Hold(gate) => gate.pass().await,
            Fault::Reset => link.order(Tamper::Reset),
            Fault::ResetAfter(bytes) => link.order(Tamper::ResetAfter(bytes)),
            Fault::CloseAfter(bytes) => link.order(Tamper::CloseAfter(bytes)),
            Fault::Shorten(bytes) => link.order(Tamper::Shorten(bytes)),
            Fault::WrongByte(offset) => link.order(Tamper::WrongByte(offset)),
            Fault::NoLength => link.order(Tamper::NoLength),
            Fault::Header { name, values } => link.order(Tamper::Header { name, values }),
            Fault::Edit { find, replace } => link.order_edit(Edit::Text { find, replace }),
            Fault::Element { parent, name, values } => link.order_edit(Edit::Element { parent, name, values }),
            // `check` has attached it to the request, where the operation finds it.
            Fault::Listing(_) | Fault::Ignores(_) => {}
            Fault::Replace(new) => {
                if let (Some(bucket), Some(key)) = (bucket, key) {
                    self.shared.store.put(bucket, key, StoredObject::hashed(new, self.shared.options.checksum));
                }
            }
            Fault::Remove => {
                if let (Some(bucket), Some(key)) = (bucket, key) {
                    self.shared.store.remove(bucket, key);
                }
            }
            Fault::BucketGone => {
                if let Some(bucket) = bucket {
                    self.shared.store.delete_bucket(bucket);
                }
            }
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl S3Auth for Gatekeeper {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.shared.keys.secret_of(access_key);
        secret
            .map(SecretKey::from)
            .ok_or_else(|| s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records."))
    }
}

#[async_trait::async_trait]
impl S3Access for Gatekeeper {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = context.credentials() else { return Err(s3_error!(AccessDenied, "Access Denied")) };
        let token = context.headers().get("x-amz-security-token").and_then(|token| token.to_str().ok());
        if let Some(Rejection { status, code }) = self.shared.keys.rejection(&credentials.access_key, token) {
            return Err(error_answer(status, &code, None));
        }
        let mut request = Request::new(context.s3_op().name(), context.uri(), context.headers());
        request.bucket = context.s3_path().get_bucket_name().map(str::to_owned);
        request.key = context.s3_path().get_object_key().map(str::to_owned);
        self.shared.journal.write(&request);

        let Some(fault) = self.shared.faults.strike(&request) else { return Ok(()) };
        let link = context.extensions_mut().get::<Arc<Link>>().cloned().expect("invariant: `wire` attaches the link");
        match &fault {
            Fault::Listing(odd) => {
                context.extensions_mut().insert(*odd);
            }
            Fault::Ignores(header) => {
                context.extensions_mut().insert(*header);
            }
            _ => {}
        }
        self.apply(fault, &request, &link).await
    }
}

fn error_answer(status: u16, code: &str, retry_after: Option<Duration>) -> S3Error {
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    let mut error = S3Error::with_message(code, "An ordered fault.");
    error.set_status_code(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    if let Some(time) = retry_after {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert(RETRY_AFTER, HeaderValue::from(time.as_secs()));
        error.set_headers(headers);
    }
    error
}
