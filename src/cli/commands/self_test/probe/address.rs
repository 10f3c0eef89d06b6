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

/// The addressing style that requests have, which is not always that of the setting. It works, because the bucket's check has listed the
/// bucket before.
pub(super) fn style(endpoint: Option<&Url>, addressing: Addressing, (bucket, by_path): (&str, bool)) -> ProbeRow {
    const NAME: &str = "addressing";
    let setting = match (addressing, endpoint) {
        (Addressing::Path, _) => "CUSTOMER_S3_ADDRESSING=path",
        (Addressing::Virtual, _) => "CUSTOMER_S3_ADDRESSING=virtual",
        (Addressing::Auto, Some(_)) => "CUSTOMER_S3_ADDRESSING=auto at an endpoint",
        (Addressing::Auto, None) => "CUSTOMER_S3_ADDRESSING=auto at AWS",
    };
    let name = Escaped(bucket);
    if by_path && addressing == Addressing::Virtual {
        let words = format!("path: HOST/{name}/KEY works; the bucket's name cannot be part of the host name here");
        return ProbeRow::no(NAME, words, format!("{setting} has no effect: set path"));
    }
    let shape = match by_path {
        true => format!("path: HOST/{name}/KEY"),
        false if bucket.starts_with("arn:") => "virtual: the host name of the access point".to_owned(),
        false => format!("virtual: {name}.HOST/KEY"),
    };
    ProbeRow::yes(NAME, format!("{shape} works ({setting})"))
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
    fn the_style_is_the_one_that_requests_have() {
        let url = Url::parse("https://s3.example.com").expect("an address");
        for (endpoint, addressing, bucket, by_path, expected) in [
            (None, Addressing::Auto, "b", false, "virtual: b.HOST/KEY works (CUSTOMER_S3_ADDRESSING=auto at AWS)"),
            (None, Addressing::Auto, "b.c", true, "path: HOST/b.c/KEY works (CUSTOMER_S3_ADDRESSING=auto at AWS)"),
            (Some(&url), Addressing::Auto, "b", true, "path: HOST/b/KEY works (CUSTOMER_S3_ADDRESSING=auto at an endpoint)"),
            (Some(&url), Addressing::Virtual, "b", false, "virtual: b.HOST/KEY works (CUSTOMER_S3_ADDRESSING=virtual)"),
            (None, Addressing::Path, "b", true, "path: HOST/b/KEY works (CUSTOMER_S3_ADDRESSING=path)"),
            (
                None,
                Addressing::Auto,
                "arn:x",
                false,
                "virtual: the host name of the access point works (CUSTOMER_S3_ADDRESSING=auto at AWS)",
            ),
        ] {
            let row = style(endpoint, addressing, (bucket, by_path));
            assert_eq!((row.message.as_str(), row.answer), (expected, RowAnswer::Yes));
        }
    }

    /// The row said that the style of the setting works, although the SDK used the other one.
    #[test]
    fn a_setting_without_effect_is_named_as_such() {
        let url = Url::parse("https://s3.example.com").expect("an address");
        let row = style(Some(&url), Addressing::Virtual, ("b.c", true));
        assert_eq!((row.answer, row.hint.as_deref()), (RowAnswer::No, Some("CUSTOMER_S3_ADDRESSING=virtual has no effect: set path")));
        assert_eq!(row.message, "path: HOST/b.c/KEY works; the bucket's name cannot be part of the host name here");
    }
}
