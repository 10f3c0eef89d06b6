//! The SHA-256 of JSON in canonical form (RFC 8785): two spellings of the same event have the same hash.
//!
//! One deviation: integers above 2^53, which the RFC does not allow, are written digit by digit. As floating point, two different ids could
//! have the same hash.

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// SHA-256 of the canonical form.
pub(super) fn hash(value: &Value) -> [u8; 32] {
    let mut text = String::new();
    write(value, &mut text);
    Sha256::digest(text).into()
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => write_number(number, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push('{');
            for (index, (name, value)) in fields.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(&Value::from(name.as_str()), out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        // serde_json writes these as the RFC requires, including escapes.
        Value::Null | Value::Bool(_) | Value::String(_) => put(out, format_args!("{value}")),
    }
}

fn write_number(number: &Number, out: &mut String) {
    match number.as_f64() {
        // RFC 8785 writes numbers as ECMAScript does.
        Some(float) if number.is_f64() => out.push_str(ryu_js::Buffer::new().format(float)),
        _ => put(out, format_args!("{number}")),
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("invariant: writing to a String never fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> String {
        let mut text = String::new();
        write(&serde_json::from_str(json).expect("JSON"), &mut text);
        text
    }

    #[test]
    fn the_example_of_the_rfc() {
        let json = r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#;
        let expected =
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(canonical(json), expected);
    }

    #[test]
    fn names_are_ordered_by_their_utf_16_units() {
        let json = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        assert_eq!(canonical(json), "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}");
    }

    #[test]
    fn numbers_are_written_as_ecmascript_writes_them() {
        for (json, expected) in [
            ("-0.0", "0"),
            ("1.0", "1"),
            ("1e0", "1"),
            ("-1.5", "-1.5"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("123456.789", "123456.789"),
            // Two shortest decimal forms are equally near: the even one is written.
            ("786534037102415.25", "786534037102415.2"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ] {
            assert_eq!(canonical(json), expected, "{json}");
        }
    }

    #[test]
    fn spelling_does_not_change_the_hash_and_a_digit_does() {
        let hash = |json: &str| hash(&serde_json::from_str(json).expect("JSON"));
        assert_eq!(hash(r#"{"a":1,"b":"é"}"#), hash("{ \"b\" : \"\\u00e9\", \"a\" : 1.0 }"));
        assert_ne!(hash(r#"{"id":9007199254740993}"#), hash(r#"{"id":9007199254740992}"#));
    }
}
