//! Metadata and keys as headers of a request. A header holds ASCII only; what cannot be sent in it is encoded, or left out.

use crate::s3::{CopySource, ObjectMetadata};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The value of a header that describes; `None` = there is none, or it cannot be sent.
pub(super) fn described(value: Option<&String>) -> Option<String> {
    value.filter(|value| is_sendable(value)).cloned()
}

/// User metadata. A value that is not ASCII is encoded as RFC 2047 says, as S3 itself sends it; a name that no header can have is left out.
pub(super) fn user(metadata: &ObjectMetadata) -> Option<HashMap<String, String>> {
    let sendable = metadata.user.iter().filter(|(name, _)| is_token(name));
    let fields: HashMap<_, _> = sendable.map(|(name, value)| (name.clone(), encoded_word(value))).collect();
    (!fields.is_empty()).then_some(fields)
}

/// The value of `x-amz-copy-source`. The SDK sends it as it is.
pub(super) fn copy_source(source: &CopySource) -> String {
    let mut header = source.bucket.clone();
    header.push('/');
    for byte in source.key.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            header.push(char::from(byte));
        } else {
            write!(header, "%{byte:02X}").expect("invariant: a String accepts every write");
        }
    }
    header
}

fn is_sendable(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}

fn encoded_word(value: &str) -> String {
    if is_sendable(value) { value.to_owned() } else { format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(value)) }
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ObjectKey;

    #[test]
    fn a_value_that_is_not_ascii_is_encoded_and_an_impossible_name_left_out() {
        let user_of = |name: &str, value: &str| {
            let metadata = ObjectMetadata { user: [(name.to_owned(), value.to_owned())].into(), ..ObjectMetadata::default() };
            user(&metadata).and_then(|fields| fields.get(name).cloned())
        };
        for (name, value, expected) in [
            ("author", "Jörg", Some("=?UTF-8?B?SsO2cmc=?=")),
            ("author", "=?UTF-8?B?SsO2cmc=?=", Some("=?UTF-8?B?SsO2cmc=?=")),
            ("a", "x\r\ny: z", Some("=?UTF-8?B?eA0KeTogeg==?=")),
            ("a", "tab\tand ~", Some("tab\tand ~")),
            ("a", "", Some("")),
            ("a b", "x", None),
            ("", "x", None),
            ("é", "x", None),
        ] {
            assert_eq!(user_of(name, value).as_deref(), expected, "{name}: {value}");
        }
        assert_eq!(described(Some(&"attachment; filename=ä".to_owned())), None);
        assert_eq!(described(Some(&"inline".to_owned())).as_deref(), Some("inline"));
    }

    #[test]
    fn every_byte_of_a_source_s_key_arrives() {
        for (key, expected) in
            [("a/b c+d%20?e", "b/a/b%20c%2Bd%2520%3Fe"), ("/lead/.././/", "b//lead/.././/"), ("x\n\0é", "b/x%0A%00%C3%A9"), (" ", "b/%20")]
        {
            let key = ObjectKey::new(key).expect("invariant: not empty");
            assert_eq!(copy_source(&CopySource { bucket: "b".to_owned(), key, if_match: None }), expected);
        }
    }
}
