//! Pages as servers send them, valid and invalid, and the encoding of keys.

use super::*;
use crate::record::KeyEncoding;
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

fn request(prefix: &str) -> ListRequest {
    ListRequest { prefix: prefix.to_owned(), from: PageCursor::Start, max_keys: 1000 }
}

/// The page alone.
fn page(request: &ListRequest, output: ListObjectsV2Output) -> Result<ListPage, BadPage> {
    super::page(request, output).map(|(page, _)| page)
}

fn keys(page: &ListPage) -> Vec<&str> {
    page.objects.iter().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn a_good_page_is_accepted_unchanged() {
    let page = page(&request("a"), answered(&["a2", "a3", "aß", "a\u{ffff}", "a\u{10000}"])).expect("a good page");
    assert_eq!(keys(&page), ["a2", "a3", "aß", "a\u{ffff}", "a\u{10000}"]);
    assert_eq!(page.next, None);
}

#[test]
fn keys_are_decoded_only_when_the_response_says_that_they_are_encoded() {
    let plain = answered(&["a%2Bb", "a+b"]);
    assert_eq!(keys(&page(&request(""), plain).expect("a good page")), ["a%2Bb", "a+b"]);
    let encoded = encoded(&["a+b", "a%20c", "a%2Bb"]);
    assert_eq!(keys(&page(&request(""), encoded).expect("a good page")), ["a b", "a c", "a+b"]);
}

#[test]
fn the_objects_without_a_size_are_returned_with_their_positions() {
    let entry = |size: Option<i64>| Object::builder().key("a").set_size(size).build();
    let output = whole(&[]).contents(entry(Some(2))).contents(entry(None)).contents(entry(Some(-1))).contents(entry(Some(0))).build();
    let (page, without_size) = super::page(&request(""), output).expect("a page");
    assert_eq!((page.objects.len(), without_size), (4, vec![1, 2]));
}

#[test]
fn a_page_that_would_lose_a_key_is_an_error_that_names_it() {
    for (request, output, expected) in [
        (request(""), whole(&[]).set_is_truncated(None).build(), BadPage::NotAListing),
        (request(""), whole(&[]).is_truncated(true).build(), BadPage::NoCursor),
        (request(""), answered(&[""]), BadPage::EmptyKey),
        (request("x/"), answered(&["a"]), BadPage::OutsidePrefix { key: key("a"), prefix: "x/".to_owned() }),
    ] {
        assert_eq!(page(&request, output), Err(expected));
    }
}

/// The flag decides; without it, a token says that more pages follow. If the server sends no token, the last key is the cursor.
#[test]
fn flag_and_token_say_where_the_next_page_begins() {
    let (token, after) = (|| Some(PageCursor::Token("t".to_owned())), || Some(PageCursor::After(key("a"))));
    for (truncated, sent, expected) in [
        (Some(true), Some("t"), token()),
        (Some(true), None, after()),
        (Some(true), Some(""), after()),
        (Some(false), None, None),
        // Every other client stops here, too: a server that sends this flag before its last page is unusable for all of them.
        (Some(false), Some("t"), None),
        (None, Some("t"), token()),
        (None, None, None),
        (None, Some(""), None),
    ] {
        let output = whole(&["a"]).set_is_truncated(truncated).set_next_continuation_token(sent.map(str::to_owned)).build();
        assert_eq!(page(&request(""), output).expect("a page").next, expected, "{truncated:?}, {sent:?}");
    }
    let empty = whole(&[]).is_truncated(true).next_continuation_token("t").build();
    assert_eq!(page(&request(""), empty).expect("a page").next, token(), "an empty page is a page");
}

#[test]
fn a_listing_without_entries_and_flag_repeats_something_of_the_request() {
    let without_flag = || whole(&[]).set_is_truncated(None);
    for output in [without_flag().name("b").build(), without_flag().max_keys(2).build(), without_flag().key_count(0).build()] {
        assert_eq!(page(&request(""), output), Ok(ListPage::default()));
    }
}

#[test]
fn the_words_of_a_bad_page_are_escaped() {
    let bad = BadPage::OutsidePrefix { key: key("%\n"), prefix: "\r".to_owned() };
    assert_eq!(bad.to_string(), "key \"%\\u{a}\" does not begin with the prefix \"\\u{d}\"");
}

/// The texts of a page, by which encodings they are explained, and the most likely keys.
#[test]
fn a_page_is_read_by_an_encoding_that_explains_it() {
    use KeyEncoding::{Form, Percent, Plain};
    for (prefix, texts, encodings, expected) in [
        ("", &["a+b", "c%20d"][..], &[Form, Percent, Plain][..], ["a b", "c d"]),
        // What cannot be decoded is a key as it is, and does not say how others are written.
        ("", &["100%.txt", "a+b"], &[Form, Percent, Plain], ["100%.txt", "a b"]),
        ("", &["%FF", "a%2Bb"], &[Form, Percent, Plain], ["%FF", "a+b"]),
        // Each key has the prefix.
        ("a+", &["a+1", "a+2"], &[Percent, Plain], ["a+1", "a+2"]),
        ("a ", &["a+1", "a+2"], &[Form], ["a 1", "a 2"]),
        // Two texts are two keys.
        ("", &["a b", "a+b"], &[Percent, Plain], ["a b", "a+b"]),
        ("", &["a%2Bb", "a+b"], &[Form, Plain], ["a+b", "a b"]),
    ] {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let written = WrittenKeys::of_page(true, texts, prefix).expect("explained");
        assert_eq!(written.encodings, encodings, "{written:?}");
        assert_eq!(written.keys(&written.encodings), expected.map(key), "{written:?}");
    }
    let undeclared = WrittenKeys::of_page(false, vec!["a+b".to_owned()], "").expect("explained");
    assert_eq!(undeclared.encodings, [Plain, Form, Percent]);
    assert_eq!(WrittenKeys::of_page(true, vec!["a+b".to_owned()], "a-"), Err(key("a b")));
}

#[test]
fn a_page_whose_keys_can_be_read_in_one_way_only_says_no_more() {
    for (texts, ambiguous) in [(&["a b", "é", "100%.txt"][..], false), (&["a+b"], true), (&["%C3%A9"], true)] {
        assert_eq!(page(&request(""), encoded(texts)).expect("a page").written.is_some(), ambiguous, "{texts:?}");
        assert_eq!(page(&request(""), answered(texts)).expect("a page").written.is_some(), ambiguous, "{texts:?}");
    }
}

#[test]
fn the_encoding_is_that_of_forms() {
    let table: Value = serde_json::from_str(include_str!("../../../../tests/fixtures/keys.json")).expect("the fixture is JSON");
    let pairs = table["form_decode"].as_array().expect("a list");
    assert!(!pairs.is_empty());
    for pair in pairs {
        assert_eq!(KeyEncoding::Form.decode(pair[0].as_str().expect("text")).as_deref(), pair[1].as_str(), "{pair}");
    }
    for refused in table["form_decode_refused"].as_array().expect("a list") {
        assert_eq!(KeyEncoding::Form.decode(refused.as_str().expect("text")), None, "{refused}");
    }
}

proptest! {
    #[test]
    fn every_key_round_trips_through_its_encoding(key: String) {
        let encoded: String = key.bytes().map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        }).collect();
        prop_assert_eq!(KeyEncoding::Form.decode(&encoded), Some(key));
    }
}
