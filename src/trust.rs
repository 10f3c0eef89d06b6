//! The certificate authorities that every TLS client of this program trusts. It reads the text of a PEM file, not the file itself.

use crate::causes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls::{CertificateError, RootCertStore};
use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The advice for a server whose certificate no trusted authority has signed.
pub const UNTRUSTED_HINT: &str =
    "no trusted authority has signed the server's certificate: set AWS_CA_BUNDLE to a PEM file with the certificate of the one that did";

/// The length of a line in a PEM file.
const PEM_LINE_CHARS: usize = 64;

/// The trusted authorities. By default those of the system.
#[derive(Clone, Debug, Default)]
pub struct TrustedAuthorities {
    /// In place of those of the system.
    pub instead_of_system: Option<CaBundle>,
    /// Beside them.
    pub added: Option<CaBundle>,
}

impl TrustedAuthorities {
    /// True if only the system's authorities are trusted, as without any setting.
    pub fn is_system_alone(&self) -> bool {
        self.instead_of_system.is_none() && self.added.is_none()
    }

    /// The certificates given, in DER.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        let bundles = self.instead_of_system.iter().chain(&self.added);
        bundles.flat_map(|bundle| bundle.certificates.iter().map(AsRef::as_ref))
    }

    /// The certificates given, in PEM.
    pub fn pem(&self) -> String {
        let mut pem = String::new();
        for der in self.certificates() {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            let encoded = BASE64_STANDARD.encode(der);
            let mut rest = encoded.as_str();
            while !rest.is_empty() {
                let (line, after) = rest.split_at(rest.len().min(PEM_LINE_CHARS));
                let _ = writeln!(pem, "{line}");
                rest = after;
            }
            pem.push_str("-----END CERTIFICATE-----\n");
        }
        pem
    }
}

/// The usable certificates of a PEM file: at least one.
#[derive(Clone)]
pub struct CaBundle {
    certificates: Arc<[CertificateDer<'static>]>,
    left_out: usize,
}

impl CaBundle {
    /// Parses the text of a PEM file. Text around the certificates and other sections are ignored.
    pub fn parse(pem: &[u8]) -> Result<Self, BundleError> {
        let pem = pem.strip_prefix("\u{feff}".as_bytes()).unwrap_or(pem);
        let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| BundleError::Damaged)?;
        if all.is_empty() {
            return Err(BundleError::NoCertificate);
        }
        // The store refuses what the verifier could not use; the clients would panic at it.
        let (count, mut store) = (all.len(), RootCertStore::empty());
        let usable: Vec<_> = all.into_iter().filter(|certificate| store.add(certificate.clone()).is_ok()).collect();
        if usable.is_empty() {
            return Err(BundleError::NotUsable);
        }
        Ok(Self { left_out: count - usable.len(), certificates: usable.into() })
    }

    /// The number of certificates that cannot be used, such as those of X.509 version 1.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaBundle").field("certificates", &self.certificates.len()).field("left_out", &self.left_out).finish()
    }
}

/// The reason why a file is no bundle of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// No section of the file is a certificate. Files in DER have no sections.
    #[error("it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// A section has no end, or is not base64.
    #[error("it is damaged: a section of it has no end, or is not base64")]
    Damaged,
    /// No section can be parsed.
    #[error("none of its certificates can be parsed as an X.509 certificate of version 3")]
    NotUsable,
}

/// True if a call failed because no trusted authority has signed the server's certificate. The signature is wrong if an authority was made
/// anew under the same name.
pub fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    use CertificateError::{BadSignature, UnknownIssuer};
    causes::chain(error).any(|cause| matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    fn authority(name: &str) -> String {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem()
    }

    const NOT_A_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn all_certificates_of_a_file_are_read_and_come_out_as_they_are() {
        let (one, other) = (authority("one"), authority("other"));
        let key = KeyPair::generate().expect("a key").serialize_pem();
        for text in [
            format!("{one}{other}"),
            format!("\u{feff}# One\n{one}\n\nOther: J\u{f6}rg\n{other}rest"),
            format!("{one}{key}{other}").replace('\n', "\r\n"),
        ] {
            let bundle = CaBundle::parse(text.as_bytes()).expect("two certificates");
            let trusted = TrustedAuthorities { added: Some(bundle), ..TrustedAuthorities::default() };
            assert_eq!(trusted.certificates().count(), 2, "{text}");
            let again = CaBundle::parse(trusted.pem().as_bytes()).expect("two certificates");
            assert!(again.certificates.iter().map(AsRef::as_ref).eq(trusted.certificates()), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_allowed_around_a_certificate() {
        let text = [b"J\xf6rg\n".as_slice(), authority("one").as_bytes()].concat();
        assert_eq!(CaBundle::parse(&text).expect("a certificate").certificates.len(), 1);
    }

    #[test]
    fn a_file_without_a_usable_certificate_is_refused_with_the_reason() {
        let (one, key) = (authority("one"), KeyPair::generate().expect("a key").serialize_pem());
        for (text, expected) in [
            (String::new(), BundleError::NoCertificate),
            ("\u{30}\u{82}".to_owned(), BundleError::NoCertificate),
            (key, BundleError::NoCertificate),
            (one.replace("-----END", "-----STOP"), BundleError::Damaged),
            (one.replace('M', "!"), BundleError::Damaged),
            (NOT_A_CERTIFICATE.to_owned(), BundleError::NotUsable),
        ] {
            assert_eq!(CaBundle::parse(text.as_bytes()).err(), Some(expected), "{text}");
        }
    }

    /// Bundles of systems hold certificates that no verifier of ours can use.
    #[test]
    fn a_certificate_that_cannot_be_used_is_left_out_and_counted() {
        let bundle = CaBundle::parse(format!("{NOT_A_CERTIFICATE}{}", authority("one")).as_bytes()).expect("one is usable");
        assert_eq!((bundle.certificates.len(), bundle.left_out()), (1, 1));
    }
}
