//! The parsers of settings.

use crate::config::values::*;
use std::fmt::Debug;
use std::{num::NonZeroUsize, time::Duration};
use tracing::Level;
use url::Url;

fn check<T: PartialEq + Debug>(parse: fn(&str) -> Option<T>, table: &[(&str, Option<T>)]) {
    for (raw, expected) in table {
        assert_eq!(&parse(raw), expected, "{raw:?}");
    }
}

#[test]
fn an_address_is_http_with_a_host_and_nothing_that_could_be_a_secret() {
    let text = |raw: &str| address(raw).map(|url| url.to_string());
    for (raw, expected) in [
        ("http://localhost:8001", Some("http://localhost:8001/")),
        (" https://files.example.org/api/ ", Some("https://files.example.org/api")),
        ("HTTP://Host//", Some("http://host/")),
        ("http://[::1]:9000", Some("http://[::1]:9000/")),
        ("https://user:pass@host/", None),
        ("https://user@host/", None),
        ("https://host/?token=1", None),
        ("https://host/#x", None),
        ("ftp://host/", None),
        ("host:9000", None),
        ("http:host", None),
        ("http://", None),
        ("http://ho st/", None),
        ("http://host:99999", None),
    ] {
        assert_eq!(text(raw).as_deref(), expected, "{raw:?}");
    }
}

#[test]
fn addresses_have_commas_between_them_and_each_is_right_or_none_is() {
    let url = |raw: &str| Url::parse(raw).expect("a URL");
    check(
        addresses,
        &[
            ("http://a/q", Some(vec![url("http://a/q")])),
            ("http://a/q, http://b/q,http://a/q/", Some(vec![url("http://a/q"), url("http://b/q")])),
            ("http://a/q,", None),
            ("http://a/q,b", None),
            ("http://a/q http://b/q", None),
            ("", None),
        ],
    );
}

#[test]
fn numbers_are_digits_within_their_range() {
    let some = |number: usize| NonZeroUsize::new(number);
    check(
        count::<1, 256>,
        &[("1", some(1)), (" 256 ", some(256)), ("0", None), ("257", None), ("", None), ("+5", None), ("-1", None), ("5.0", None)],
    );
    check(count::<1, 256>, &[("0016", some(16)), ("1_0", None), ("many", None), ("99999999999999999999999", None)]);
    check(seconds::<1, 3600>, &[("20", Some(Duration::from_secs(20))), ("20s", None), ("0", None)]);
}

#[test]
fn a_size_is_in_mebibytes_and_may_be_unlimited() {
    use SizeLimit::{Bytes, Unlimited};
    check(size_limit::<1, 1_000_000_000>, &[("1", Some(Bytes(1_048_576))), ("unlimited", Some(Unlimited)), ("Unlimited", Some(Unlimited))]);
    check(size_limit::<1, 1_000_000_000>, &[("0", None), ("1000000001", None), ("none", None)]);
}

#[test]
fn a_limit_of_deletes_is_a_share_or_a_number() {
    use crate::plan::MaxDelete::{Count, Percent};
    check(max_delete, &[("50%", Some(Percent(50))), ("100%", Some(Percent(100))), ("0", Some(Count(0))), ("12", Some(Count(12)))]);
    check(max_delete, &[("101%", None), ("%", None), ("", None), ("-1", None), ("5 0%", None), ("half", None)]);
    for (limit, rows, expected) in [
        (Percent(50), 0, 10),
        (Percent(50), 19, 10),
        (Percent(50), 21, 10),
        (Percent(50), 101, 50),
        (Percent(0), 1_000, 10),
        (Percent(100), u64::MAX, u64::MAX),
        (Count(0), 1_000, 0),
        (Count(7), 0, 7),
    ] {
        assert_eq!(limit.limit(rows), expected, "{limit:?} of {rows}");
    }
}

#[test]
fn words_are_accepted_in_any_case() {
    check(yes_or_no, &[("TRUE", Some(true)), ("0", Some(false)), ("off", Some(false)), ("maybe", None)]);
    check(log_level, &[("warning", Some(Level::WARN)), ("Critical", Some(Level::ERROR)), ("TRACE", Some(Level::TRACE)), ("loud", None)]);
    check(addressing, &[("Virtual", Some(Addressing::Virtual)), ("path", Some(Addressing::Path)), ("host", None)]);
    check(log_format, &[("JSON", Some(LogFormat::Json)), ("text", Some(LogFormat::Text)), ("xml", None)]);
}

#[test]
fn names_are_accepted_verbatim_or_refused() {
    let own = |raw: &str| Some(raw.to_owned());
    check(bucket, &[("my-bucket.1", own("my-bucket.1")), ("Old_Bucket", own("Old_Bucket")), ("s3://b", None), ("b/c", None), ("b ", None)]);
    check(bucket, &[("arn:aws:s3:eu-west-1:1:accesspoint/x", own("arn:aws:s3:eu-west-1:1:accesspoint/x")), ("..", None)]);
    check(bucket, &[("tenant:bucket", own("tenant:bucket")), (":bucket", own(":bucket")), ("tenant:", None), ("a:b:c", None)]);
    check(bucket, &[("my-ap-x1y2-s3alias", own("my-ap-x1y2-s3alias"))]);
    check(region, &[("auto", own("auto")), ("eu central", None)]);
    check(prefix, &[(" a/", own(" a/")), (&"x".repeat(1025), None)]);
    check(one_line, &[("key", own("key")), ("key\n", None), ("key ", None), ("a\u{7f}", None)]);
    check(file_path, &[("data/sync.db", Some("data/sync.db".into())), ("data/", None), ("..", None), ("/", None)]);
}
