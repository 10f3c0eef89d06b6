//! Decodes keys in notifications, which S3 form-urlencodes. They are decoded exactly once: `a%2Bb` is a legal key. Other senders encode less,
//! or nothing: then the text is another key.

use crate::mutant;
use crate::record::KeyEncoding;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The keys that a text can mean, the most likely first; `None` = its bytes are not UTF-8.
pub(super) fn spellings(encoded: &str) -> Option<Vec<String>> {
    let mut spellings = vec![decode(encoded)?];
    for encoding in [KeyEncoding::Percent, KeyEncoding::Plain] {
        spellings.extend(encoding.decode(encoded).filter(|key| !spellings.contains(key)));
    }
    Some(spellings)
}

/// The same for a sender that does not encode keys: the text itself is the most likely one.
pub(super) fn spellings_of_unencoded(text: &str) -> Vec<String> {
    let mut spellings = spellings(text).unwrap_or_default();
    spellings.retain(|key| key != text);
    spellings.insert(0, text.to_owned());
    spellings
}

/// Decodes `+` to a space and `%XX` to a byte; `None` = the bytes are not UTF-8. A `%` without two hexadecimal digits stays as it is,
/// because its sender does not encode keys.
fn decode(encoded: &str) -> Option<String> {
    let spaced = if mutant::is("a_plus_is_not_decoded") { Cow::Borrowed(encoded) } else { Cow::Owned(encoded.replace('+', " ")) };
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn keys_are_decoded_once_and_must_be_utf8() {
        let fixture: Value = serde_json::from_str(include_str!("../../../tests/fixtures/keys.json")).expect("JSON");
        let pairs: Vec<(String, String)> = serde_json::from_value(fixture["form_decode"].clone()).expect("pairs");
        assert_eq!(pairs.len(), 11);
        for (encoded, expected) in pairs {
            assert_eq!(decode(&encoded), Some(expected), "{encoded}");
        }
        let refused: Vec<String> = serde_json::from_value(fixture["form_decode_refused"].clone()).expect("texts");
        assert_eq!(refused.len(), 3);
        for encoded in refused {
            assert_eq!(decode(&encoded), None, "{encoded}");
        }
    }

    #[test]
    fn a_text_can_mean_several_keys() {
        for (encoded, expected) in [
            ("a.txt", &["a.txt"][..]),
            ("a+b", &["a b", "a+b"]),
            ("a%20b", &["a b", "a%20b"]),
            ("a+b%20c", &["a b c", "a+b c", "a+b%20c"]),
            ("100%25", &["100%", "100%25"]),
            ("50%", &["50%"]),
            ("50%+a", &["50% a", "50%+a"]),
        ] {
            assert_eq!(spellings(encoded).expect("UTF-8"), expected, "{encoded}");
        }
        assert_eq!(spellings("%FF"), None);
        for (text, expected) in [("a+b", &["a+b", "a b"][..]), ("%41", &["%41", "A"]), ("%FF", &["%FF"])] {
            assert_eq!(spellings_of_unencoded(text), expected, "{text}");
        }
    }

    #[test]
    fn a_percent_sign_that_escapes_nothing_is_literal() {
        for (encoded, expected) in [("100%", "100%"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%%41", "%A"), ("é+%c3%a9", "é é")] {
            assert_eq!(decode(encoded).as_deref(), Some(expected), "{encoded}");
        }
    }
}
