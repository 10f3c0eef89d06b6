//! The settings of the trusted certificate authorities.

use super::Given;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

/// The certificate of an authority.
fn authority() -> String {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem()
}

#[test]
fn the_system_is_trusted_unless_a_file_takes_its_place_and_a_bundle_is_added_to_either() {
    let (one, other) = (authority(), authority());
    let bundles = [("/one", one.as_str()), ("/other", other.as_str())];
    let given = |environment| Given { environment, bundles: &bundles, ..Given::default() }.settings();
    for (environment, with_system, certificates) in [
        (&[][..], true, 0),
        (&[("AWS_CA_BUNDLE", ""), ("SSL_CERT_FILE", "")], true, 0),
        (&[("AWS_CA_BUNDLE", "/one")], true, 1),
        (&[("SSL_CERT_FILE", "/one")], false, 1),
        (&[("AWS_CA_BUNDLE", "/one"), ("SSL_CERT_FILE", "/other")], false, 2),
    ] {
        let settings = given(environment);
        let seen = (settings.trusted.instead_of_system.is_none(), settings.trusted.certificates().count());
        assert_eq!((seen, settings.notices.len()), ((with_system, certificates), 0), "{environment:?}");
        assert_eq!(settings.trusted.is_system_alone(), certificates == 0);
    }
}

/// The TLS library took an empty `SSL_CERT_FILE` for a file, and the SDK panicked at the first https address.
#[test]
fn an_empty_file_of_the_environment_is_not_set_and_leaves_the_system_trusted() {
    let (system, one) = (authority(), authority());
    let bundles = [("system", system.as_str()), ("/one", one.as_str())];
    for (environment, yaml, in_place, added) in [
        (&[("SSL_CERT_FILE", "")][..], "", Some(&system), None),
        (&[("SSL_CERT_FILE", ""), ("AWS_CA_BUNDLE", "/one")], "", Some(&system), Some(&one)),
        (&[("SSL_CERT_FILE", "")], "service:\n  ssl_cert_file: /one\n", Some(&one), None),
        (&[], "service:\n  ssl_cert_file: ''\n", None, None),
        (&[], "", None, None),
    ] {
        let trusted = Given { environment, yaml, bundles: &bundles, ..Given::default() }.settings().trusted;
        let pem = |text: Option<&String>| text.map(|text| text.replace("\r\n", "\n")).unwrap_or_default();
        assert_eq!(trusted.pem(), pem(in_place) + &pem(added), "{environment:?} {yaml:?}");
        assert_eq!((trusted.instead_of_system.is_some(), trusted.added.is_some()), (in_place.is_some(), added.is_some()));
    }
}

#[test]
fn certificates_that_cannot_be_used_are_counted_in_a_notice() {
    let text = format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", authority());
    let given = Given { environment: &[("AWS_CA_BUNDLE", "/one")], bundles: &[("/one", &text)], ..Given::default() };
    assert_eq!(given.settings().notices, ["AWS_CA_BUNDLE: 1 certificates cannot be used and are left out"]);
}

#[test]
fn a_wrong_file_is_named_with_the_reason_and_what_would_be_right() {
    let given = Given {
        environment: &[("AWS_CA_BUNDLE", "/none")],
        yaml: "service:\n  ssl_cert_file: /text\n",
        bundles: &[("/text", "text")],
        ..Given::default()
    };
    assert_eq!(
        given.problems(),
        [
            "AWS_CA_BUNDLE is \"/none\" (environment), which cannot be used: there is no such file; give the path of a file with \
             certificates in PEM form",
            "SSL_CERT_FILE is \"/text\" (service.yaml, line 2), which cannot be used: it holds no certificate in PEM form (-----BEGIN \
             CERTIFICATE-----); give the path of a file with certificates in PEM form",
        ]
    );
}
