//! Parses the headers of a request from one text, in the form of the OpenTelemetry standard. Pure.

use secrecy::SecretString;

/// The standard's form: `name=value,other=value`, values percent-encoded. An invalid pair is refused here, with an error for the
/// operator: an exporter would silently omit it.
pub(super) fn parse(raw: &str) -> Option<Vec<(String, SecretString)>> {
    let pairs = raw.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let headers: Option<Vec<_>> = pairs.map(header).collect();
    headers.filter(|headers| !headers.is_empty())
}

fn header(pair: &str) -> Option<(String, SecretString)> {
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim_end(), percent_decoded(value.trim_start())?);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let is_value = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (is_name && is_value).then(|| (name.to_ascii_lowercase(), value.into()))
}

fn percent_decoded(raw: &str) -> Option<String> {
    let (first, rest) = raw.split_once('%').map_or((raw, None), |(first, rest)| (first, Some(rest)));
    let mut decoded = first.as_bytes().to_vec();
    for part in rest.into_iter().flat_map(|rest| rest.split('%')) {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        decoded.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn headers_are_pairs_with_decoded_values_or_nothing() {
        for (raw, expected) in [
            ("authorization=Bearer%20a%3Db", Some("authorization: Bearer a=b")),
            ("Api-Key=k=1, x-tenant = blue ,", Some("api-key: k=1\nx-tenant: blue")),
            ("empty=", Some("empty: ")),
            ("novalue", None),
            ("=value", None),
            ("na me=value", None),
            ("a=%2", None),
            ("a=%zz", None),
            ("a=%0a", None),
            ("a=%ff", None),
            (",", None),
        ] {
            let lines = parse(raw).map(|headers| {
                let lines = headers.iter().map(|(name, value)| format!("{name}: {}", value.expose_secret()));
                lines.collect::<Vec<_>>().join("\n")
            });
            assert_eq!(lines.as_deref(), expected, "{raw:?}");
        }
    }
}
