//! A TLS server in front of another server, with a certificate of an authority that only a test trusts.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "The authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    /// Its certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server of the address of `url` that passes everything on to it.
    pub(crate) async fn in_front_of(&self, url: &str) -> TlsFront {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
        let certificate = params.signed_by(&key, &*self.0).expect("a certificate");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a certificate with its key");
        let (host, path) = url.strip_prefix("http://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))).expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://{}/{path}", listener.local_addr().expect("an address"));
        let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), host.to_owned()));
        TlsFront { url: url.trim_end_matches('/').to_owned(), accepting }
    }
}

/// It serves until it is dropped.
pub(crate) struct TlsFront {
    pub(crate) url: String,
    accepting: JoinHandle<()>,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, behind: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, behind) = (acceptor.clone(), behind.clone());
        tokio::spawn(async move {
            // A client that trusts another authority ends the handshake.
            let Ok(mut client) = acceptor.accept(stream).await else { return };
            let mut server = TcpStream::connect(behind).await.expect("the server listens");
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}
