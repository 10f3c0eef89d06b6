//! `ListObjectsV2` as a client pages through it.

use crate::harness::{BUCKET, Harness, assert_fails};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, ObjectStorageClass};
use mock_s3::{Fault, Matcher, NewObject, OddListing};

fn keys(page: &ListObjectsV2Output) -> Vec<String> {
    page.contents().iter().filter_map(|object| object.key()).map(str::to_owned).collect()
}

fn prefixes(page: &ListObjectsV2Output) -> Vec<&str> {
    page.common_prefixes().iter().filter_map(|prefix| prefix.prefix()).collect()
}

#[tokio::test]
async fn two_thousand_five_hundred_keys_are_listed_in_three_pages() {
    let harness = Harness::start().await;
    let all: Vec<String> = (0..2500).map(|index| format!("key {index:05}")).collect();
    for key in &all {
        harness.server().put(BUCKET, key, "x", None);
    }
    let list = || harness.client.list_objects_v2().bucket(BUCKET);
    let mut pages = list().into_paginator().send();
    let (mut listed, mut sizes) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        assert_eq!(page.key_count(), i32::try_from(page.contents().len()).ok());
        assert_eq!(page.is_truncated(), Some(page.next_continuation_token().is_some()));
        sizes.push(page.contents().len());
        listed.extend(keys(&page));
    }
    assert_eq!(sizes, [1000, 1000, 500]);
    assert_eq!(listed, all);

    let middle = list().start_after(&all[1234]).max_keys(7).send().await.expect("a page");
    assert_eq!(keys(&middle), all[1235..1242]);
    assert_eq!(middle.is_truncated(), Some(true));
    let between = list().start_after("key 01234~").max_keys(1).send().await.expect("a page");
    assert_eq!(keys(&between), all[1235..1236], "start-after need not be a key");
    let next = list().continuation_token(middle.next_continuation_token().expect("more")).max_keys(2);
    assert_eq!(keys(&next.start_after("ignored").send().await.expect("a page")), all[1242..1244]);
    let end = list().start_after(&all[2498]).send().await.expect("a page");
    assert_eq!((keys(&end), end.is_truncated()), (all[2499..].to_vec(), Some(false)));
    assert_eq!(list().max_keys(5000).send().await.expect("a page").contents().len(), 1000);
    assert_eq!(list().max_keys(0).send().await.expect("a page").contents().len(), 0);
}

#[tokio::test]
async fn an_entry_has_etag_size_time_and_class() {
    let harness = Harness::start().await;
    let modified: jiff::Timestamp = "2024-02-29T12:00:00Z".parse().expect("a timestamp");
    let etag = harness.server().put_object(BUCKET, "a", NewObject::bytes("hello").last_modified(modified));
    harness.server().put_object(BUCKET, "b", NewObject::bytes("").storage_class("GLACIER"));
    let page = harness.client.list_objects_v2().bucket(BUCKET).send().await.expect("a page");
    let [a, b] = page.contents() else { panic!("{page:?}") };
    assert_eq!((a.e_tag(), a.size()), (Some(format!("\"{etag}\"").as_str()), Some(5)));
    assert_eq!(a.last_modified().map(aws_sdk_s3::primitives::DateTime::secs), Some(modified.as_second()));
    assert_eq!(a.storage_class(), Some(&ObjectStorageClass::Standard));
    assert_eq!((b.size(), b.storage_class()), (Some(0), Some(&ObjectStorageClass::Glacier)));
}

#[tokio::test]
async fn prefix_and_delimiter() {
    let harness = Harness::start().await;
    for key in ["a", "dir/", "dir/1", "dir/sub/2", "dir/sub/3", "dir+x", "z/9"] {
        harness.server().put(BUCKET, key, "x", None);
    }
    let list = || harness.client.list_objects_v2().bucket(BUCKET);
    let top = list().delimiter("/").send().await.expect("a page");
    assert_eq!((keys(&top), prefixes(&top)), (vec!["a".into(), "dir+x".into()], vec!["dir/", "z/"]));
    let below = list().prefix("dir/").delimiter("/").send().await.expect("a page");
    assert_eq!((keys(&below), prefixes(&below)), (vec!["dir/".into(), "dir/1".into()], vec!["dir/sub/"]));
    let all = list().prefix("dir").send().await.expect("a page");
    assert_eq!(keys(&all), ["dir+x", "dir/", "dir/1", "dir/sub/2", "dir/sub/3"]);
    let first = list().delimiter("/").max_keys(3).send().await.expect("a page");
    let rest = list().delimiter("/").continuation_token(first.next_continuation_token().expect("more")).send().await.expect("a page");
    assert_eq!((keys(&rest), prefixes(&rest)), (vec![], vec!["z/"]), "a prefix that was shown is not shown again");
}

#[tokio::test]
async fn url_encoding_round_trip() {
    let harness = Harness::start().await;
    let all = ["%41", "a b", "a+b", "a/b", "ctrl\u{1}\t\r\n\u{7f}", "q?&=#", "~*-_.", "ünï/日本"];
    for key in all {
        harness.server().put(BUCKET, key, "x", None);
    }
    let list = || harness.client.list_objects_v2().bucket(BUCKET).encoding_type(EncodingType::Url);
    let page = list().send().await.expect("a page");
    assert_eq!(page.encoding_type(), Some(&EncodingType::Url));
    let encoded = keys(&page);
    assert_eq!(
        encoded,
        ["%2541", "a+b", "a%2Bb", "a/b", "ctrl%01%09%0D%0A%7F", "q%3F%26%3D%23", "%7E*-_.", "%C3%BCn%C3%AF/%E6%97%A5%E6%9C%AC"]
    );
    let mut decoded: Vec<String> = encoded.iter().map(|key| decode(key)).collect();
    decoded.sort();
    assert_eq!(decoded, all);
    // Each key as prefix and as start-after, in the form that a client sends.
    for key in all {
        let one = list().prefix(key).send().await.expect("a page");
        assert_eq!((keys(&one).as_slice(), one.prefix().map(decode)), ([mock_encoded(key, &encoded)].as_slice(), Some(key.to_owned())));
        let after = list().start_after(key).send().await.expect("a page");
        assert_eq!(after.start_after().map(decode).as_deref(), Some(key));
        assert_eq!(after.contents().len(), harness.server().objects(BUCKET).iter().filter(|object| object.key.as_str() > key).count());
    }
}

/// The encoded form of a key, from the listed ones.
fn mock_encoded(key: &str, encoded: &[String]) -> String {
    encoded.iter().find(|candidate| decode(candidate) == key).cloned().expect("it was listed")
}

/// Decodes `application/x-www-form-urlencoded`, which S3 uses.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).expect("two hexadecimal digits")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[tokio::test]
async fn invalid_parameters_are_refused() {
    let harness = Harness::start().await;
    let list = || harness.client.list_objects_v2().bucket(BUCKET);
    assert_fails(list().max_keys(-1).send().await, 400, "InvalidArgument");
    assert_fails(list().continuation_token("not ours").send().await, 400, "InvalidArgument");
}

#[tokio::test]
async fn odd_pages_can_be_ordered() {
    let harness = Harness::start().await;
    for key in ["a.txt", "a/b.txt", "z.txt"] {
        harness.server().put(BUCKET, key, "x", None);
    }
    let list = || harness.client.list_objects_v2().bucket(BUCKET).max_keys(2);
    let order = |fault| harness.server().order(Matcher::operation("ListObjectsV2"), fault);

    order(Fault::Listing(OddListing::EmptyPage));
    let empty = list().send().await.expect("a page");
    assert_eq!((keys(&empty).len(), empty.is_truncated()), (0, Some(true)));
    let token = empty.next_continuation_token().expect("a token");
    let again = list().continuation_token(token).send().await.expect("a page");
    assert_ne!(again.next_continuation_token(), Some(token));
    harness.server().clear_faults();
    assert_eq!(keys(&list().continuation_token(token).send().await.expect("a page")), ["a.txt", "a/b.txt"]);

    order(Fault::Listing(OddListing::StartAfterIgnored));
    assert_eq!(keys(&list().start_after("a.txt").send().await.expect("a page")), ["a.txt", "a/b.txt"]);
    harness.server().clear_faults();

    order(Fault::Listing(OddListing::DirectoryOrder));
    let first = list().send().await.expect("a page");
    assert_eq!(keys(&first), ["a/b.txt", "a.txt"]);
    let rest = list().set_continuation_token(first.next_continuation_token().map(str::to_owned)).send().await.expect("a page");
    assert_eq!((keys(&rest), rest.is_truncated()), (vec!["z.txt".to_owned()], Some(false)));
    harness.server().clear_faults();

    order(Fault::Listing(OddListing::InCircles));
    let token = list().send().await.expect("a page").next_continuation_token().map(str::to_owned);
    let circle = list().set_continuation_token(token.clone()).send().await.expect("a page");
    assert_eq!(
        (keys(&circle), circle.next_continuation_token().map(str::to_owned)),
        (vec!["a.txt".to_owned(), "a/b.txt".to_owned()], token)
    );
    harness.server().clear_faults();

    order(Fault::edit("<Key>z.txt</Key>", ""));
    let edited = list().start_after("b").send().await.expect("a page");
    assert_eq!(edited.contents().iter().map(|object| object.key()).collect::<Vec<_>>(), [None]);
}

#[tokio::test]
async fn keys_can_be_written_in_other_ways() {
    let harness = Harness::start().await;
    harness.server().put(BUCKET, "a+b c%.txt", "x", None);
    for (odd, written, declared) in [
        (None, "a%2Bb+c%25.txt", true),
        (Some(OddListing::PlainDeclared), "a+b c%.txt", true),
        (Some(OddListing::PlainUndeclared), "a+b c%.txt", false),
        (Some(OddListing::FormUndeclared), "a%2Bb+c%25.txt", false),
        (Some(OddListing::PercentDeclared), "a+b%20c%25.txt", true),
    ] {
        harness.server().clear_faults();
        if let Some(odd) = odd {
            harness.server().order(Matcher::operation("ListObjectsV2"), Fault::Listing(odd));
        }
        let page = harness.client.list_objects_v2().bucket(BUCKET).encoding_type(EncodingType::Url).send().await.expect("a page");
        assert_eq!((keys(&page), page.encoding_type().is_some()), (vec![written.to_owned()], declared), "{odd:?}");
    }
}
