//! The HTTP client of the exporters. It is a blocking one: the exporters run in threads of their own.

use super::EXPORT_TIMEOUT;
use super::delivery::Delivery;
use crate::trust::{self, TrustedAuthorities};
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::Certificate;
use reqwest::blocking::Client;

/// The exporter's own client, and why it cannot reach the collector: the exporter reports only that it cannot.
#[derive(Clone, Debug)]
pub(super) struct CollectorClient {
    client: Client,
    delivery: Delivery,
}

impl CollectorClient {
    /// Creates a client with these trusted authorities. Call it outside of any async runtime.
    pub(super) fn new(trusted: &TrustedAuthorities, delivery: Delivery) -> reqwest::Result<Self> {
        let certificates = trusted.certificates().map(Certificate::from_der).collect::<reqwest::Result<Vec<_>>>()?;
        let builder = Client::builder().timeout(EXPORT_TIMEOUT);
        let builder = match &trusted.instead_of_system {
            Some(_) => builder.tls_certs_only(certificates),
            None if certificates.is_empty() => builder,
            None => builder.tls_certs_merge(certificates),
        };
        Ok(Self { client: builder.build()?, delivery })
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.client.send_bytes(request).await;
        self.delivery.set_untrusted(sent.as_ref().is_err_and(|error| trust::is_untrusted(error.as_ref())));
        sent
    }
}
