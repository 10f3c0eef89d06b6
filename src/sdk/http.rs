//! The HTTP client of the SDK, for trusted authorities other than the system's.

use crate::trust::TrustedAuthorities;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// The SDK's default client with these authorities; `None` = the default client trusts them already.
///
/// It is put together as the SDK does it: the builder's short way would ignore the proxies of the environment.
pub(crate) fn http_client(trusted: &TrustedAuthorities) -> Option<SharedHttpClient> {
    if trusted.is_system_alone() {
        return None;
    }
    let store = TrustStore::empty().with_native_roots(trusted.instead_of_system.is_none()).with_pem_certificate(trusted.pem());
    let context = TlsContext::builder().with_trust_store(store).build().expect("invariant: a context of authorities alone is valid");
    Some(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    }))
}
