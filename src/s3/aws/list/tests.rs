//! Pages as servers answer them, good and bad, and the encoding of keys.

use super::*;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2OutputBuilder;
use proptest::prelude::*;
use serde_json::Value;

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("invariant: not empty")
}

fn whole(keys: &[&str]) -> ListObjectsV2OutputBuilder {
    let contents = keys.iter().map(|key| Object::builder().key(*key).size(1).build()).collect();
    ListObjectsV2Output::builder().set_contents(Some(contents)).is_truncated(false)
}

fn answered(keys: &[&str]) -> ListObjectsV2Output {
    whole(keys).build()
}

fn encoded(keys: &[&str]) -> ListObjectsV2Output {
    whole(keys).encoding_type(EncodingType::Url).build()
}

fn request(prefix: &str, start_after: Option<&str>) -> ListRequest {
    ListRequest { prefix: prefix.to_owned(), start_after: start_after.map(key), max_keys: 1000 }
}

fn keys(page: &ListPage) -> Vec<&str> {
    page.objects.iter().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn a_good_page_is_accepted_unchanged() {
    let page = page(&request("a", Some("a1")), answered(&["a2", "a3", "aß", "a\u{ffff}", "a\u{10000}"])).expect("a good page");
    assert_eq!(keys(&page), ["a2", "a3", "aß", "a\u{ffff}", "a\u{10000}"]);
    assert!(!page.more);
}

#[test]
fn keys_are_decoded_only_when_the_response_says_that_they_are_encoded() {
    let plain = answered(&["a%2Bb", "a+b"]);
    assert_eq!(keys(&page(&request("", None), plain).expect("a good page")), ["a%2Bb", "a+b"]);
    let encoded = encoded(&["a+b", "a%20c", "a%2Bb"]);
    assert_eq!(keys(&page(&request("", None), encoded).expect("a good page")), ["a b", "a c", "a+b"]);
}

#[test]
fn a_page_that_would_lose_a_key_is_an_error_that_names_it() {
    let unsized_entry = whole(&[]).contents(Object::builder().key("a").build()).build();
    for (request, output, expected) in [
        (request("", None), whole(&["a"]).set_is_truncated(None).build(), BadPage::NotAListing),
        (request("", None), whole(&[]).is_truncated(true).build(), BadPage::NoProgress),
        (request("", None), answered(&[""]), BadPage::EmptyKey),
        (request("", None), encoded(&["%zz"]), BadPage::Undecodable("%zz".to_owned())),
        (request("", None), encoded(&["%FF"]), BadPage::Undecodable("%FF".to_owned())),
        (request("", None), unsized_entry, BadPage::NoSize(key("a"))),
        (request("x/", None), answered(&["a"]), BadPage::OutsidePrefix { key: key("a"), prefix: "x/".to_owned() }),
        (request("", Some("b")), answered(&["b", "c"]), BadPage::StartAfterIgnored { key: key("b"), after: key("b") }),
        (request("", Some("b")), answered(&["a", "c"]), BadPage::StartAfterIgnored { key: key("a"), after: key("b") }),
        (request("", None), answered(&["b", "a"]), BadPage::OutOfOrder { key: key("a"), after: key("b") }),
        (request("", None), answered(&["a", "a"]), BadPage::OutOfOrder { key: key("a"), after: key("a") }),
        // The order of UTF-16, which some servers keep.
        (request("", None), answered(&["\u{10000}", "\u{ffff}"]), BadPage::OutOfOrder { key: key("\u{ffff}"), after: key("\u{10000}") }),
    ] {
        assert_eq!(page(&request, output), Err(expected));
    }
}

#[test]
fn the_words_of_a_bad_page_are_escaped() {
    let bad = BadPage::Undecodable("%\n".to_owned());
    assert_eq!(bad.to_string(), "key \"%\\u{a}\" is declared as url-encoded and cannot be decoded");
}

#[test]
fn the_encoding_is_that_of_forms() {
    let table: Value = serde_json::from_str(include_str!("../../../../tests/fixtures/keys.json")).expect("the fixture is JSON");
    let pairs = table["form_decode"].as_array().expect("a list");
    assert!(!pairs.is_empty());
    for pair in pairs {
        assert_eq!(form_decoded(pair[0].as_str().expect("text")).as_deref(), pair[1].as_str(), "{pair}");
    }
    for refused in table["form_decode_refused"].as_array().expect("a list") {
        assert_eq!(form_decoded(refused.as_str().expect("text")), None, "{refused}");
    }
}

proptest! {
    #[test]
    fn any_key_comes_back_from_its_encoding(key: String) {
        let encoded: String = key.bytes().map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        }).collect();
        prop_assert_eq!(form_decoded(&encoded), Some(key));
    }
}
