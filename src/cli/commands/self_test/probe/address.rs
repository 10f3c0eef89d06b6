//! The rows about the address: encryption, and the place of the bucket's name.

use super::row::ProbeRow;
use crate::config::Addressing;
use crate::record::Escaped;
use url::Url;

/// Whether requests are encrypted. Without an endpoint, AWS is called.
pub(super) fn tls(endpoint: Option<&Url>) -> ProbeRow {
    const NAME: &str = "tls";
    match endpoint {
        None => ProbeRow::yes(NAME, "AWS is called by https"),
        Some(url) if url.scheme() == "https" => ProbeRow::yes(NAME, format!("{url} is called by https")),
        Some(url) => {
            let hint = "anyone on the network can read the objects: give an https:// address as CUSTOMER_S3_ENDPOINT";
            ProbeRow::no(NAME, format!("{url} is called by http"), hint)
        }
    }
}

/// The addressing style. It works, because the bucket's check has listed the bucket before.
pub(super) fn style(endpoint: Option<&Url>, addressing: Addressing, bucket: &str) -> ProbeRow {
    let (by_path, why) = match (addressing, endpoint) {
        (Addressing::Path, _) => (true, "CUSTOMER_S3_ADDRESSING=path"),
        (Addressing::Virtual, _) => (false, "CUSTOMER_S3_ADDRESSING=virtual"),
        (Addressing::Auto, Some(_)) => (true, "CUSTOMER_S3_ADDRESSING=auto at an endpoint"),
        (Addressing::Auto, None) => (false, "CUSTOMER_S3_ADDRESSING=auto at AWS"),
    };
    let bucket = Escaped(bucket);
    let shape = if by_path { format!("path: HOST/{bucket}/KEY") } else { format!("virtual: {bucket}.HOST/KEY") };
    ProbeRow::yes("addressing", format!("{shape} works ({why})"))
}

#[cfg(test)]
mod tests {
    use super::super::row::RowAnswer;
    use super::*;

    #[test]
    fn only_an_http_endpoint_is_not_encrypted() {
        for (endpoint, expected) in
            [(None, RowAnswer::Yes), (Some("https://s3.example.com"), RowAnswer::Yes), (Some("http://s3"), RowAnswer::No)]
        {
            let url = endpoint.map(|endpoint| Url::parse(endpoint).expect("an address"));
            assert_eq!(tls(url.as_ref()).answer, expected, "{endpoint:?}");
        }
    }

    #[test]
    fn the_style_is_the_one_of_the_setting_and_else_the_usual_one() {
        let url = Url::parse("https://s3.example.com").expect("an address");
        for (endpoint, addressing, expected) in [
            (None, Addressing::Auto, "virtual: b.HOST/KEY works (CUSTOMER_S3_ADDRESSING=auto at AWS)"),
            (Some(&url), Addressing::Auto, "path: HOST/b/KEY works (CUSTOMER_S3_ADDRESSING=auto at an endpoint)"),
            (Some(&url), Addressing::Virtual, "virtual: b.HOST/KEY works (CUSTOMER_S3_ADDRESSING=virtual)"),
            (None, Addressing::Path, "path: HOST/b/KEY works (CUSTOMER_S3_ADDRESSING=path)"),
        ] {
            assert_eq!(style(endpoint, addressing, "b").message, expected);
        }
    }
}
