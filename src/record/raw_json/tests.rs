//! The splitter on valid and invalid documents.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn document(json: &str) -> RawJson<'_> {
    RawJson::document(json.as_bytes()).expect("a document")
}

#[test]
fn a_field_is_found_by_its_name_however_it_is_spelt_and_the_last_of_two_counts() {
    let json = document(r#" {"a":1,"\u0062":{"c":"x\"}"},"a":[2, {}] , "\ud83d":NaN} "#);
    let bytes = |path: &[&str]| json.at(path).expect("sound").map(|value| String::from_utf8_lossy(value.bytes()).into_owned());
    assert_eq!([bytes(&["a"]), bytes(&["b", "c"]), bytes(&["a", "b"])], [Some("[2, {}]".to_owned()), Some(r#""x\"}""#.to_owned()), None]);
    let items = json.get("a").expect("sound").expect("there").items().expect("sound").expect("a list");
    assert_eq!(items.iter().map(|item| item.bytes()).collect::<Vec<_>>(), [b"2".as_slice(), b"{}"]);
}

#[test]
fn a_splitting_error_names_the_position() {
    for (json, message) in [
        ("", "expected a value at byte 0"),
        ("{", "expected the end of an object or a list at byte 1"),
        ("{\"a", "expected the end of a text at byte 3"),
        ("\"\\", "expected the end of a text at byte 2"),
        ("[1}", "expected another bracket at byte 2"),
        ("{} x", "expected the end at byte 3"),
        ("]", "expected a value at byte 0"),
    ] {
        let error = RawJson::document(json.as_bytes()).expect_err(json);
        assert_eq!(error.to_string(), message, "{json}");
    }
    for json in [r#"{"a" 1}"#, r#"{"a":1 "b":2}"#, r"{a:1}", r#"{"a":1,}"#, r#"{"a":}"#, "{,}"] {
        assert!(document(json).get("b").is_err(), "{json}");
    }
    for json in ["[1 2]", "[,]", "[1,]"] {
        assert!(document(json).items().is_err(), "{json}");
    }
}

#[test]
fn the_bytes_of_a_text_keep_what_is_no_unicode() {
    assert_eq!(document(r#""a\n\ud83d\"""#).text_bytes(), Ok(Some(b"a\n\xed\xa0\xbd\"".to_vec())));
    assert_eq!(RawJson::document(b"\"\xf6\t\"").expect("a text").text_bytes(), Ok(Some(b"\xf6\t".to_vec())));
    assert_eq!(document("7").text_bytes(), Ok(None));
}

proptest! {
    /// The splitter and serde agree about every document that serde accepts.
    #[test]
    fn a_valid_document_splits_into_the_parts_that_serde_reads(fields in prop::collection::btree_map(any::<String>(), any::<String>(), 0..5), items in prop::collection::vec(any::<i32>(), 0..5)) {
        let whole = serde_json::json!({ "fields": fields, "items": items });
        let text = serde_json::to_string_pretty(&whole).expect("JSON");
        let split = document(&text);
        for (name, value) in &fields {
            let field = split.at(&["fields", name]).expect("sound").expect("there");
            prop_assert_eq!(field.text(), Ok(Some(value.clone())));
        }
        let split = split.get("items").expect("sound").expect("there").items().expect("sound").expect("a list");
        let split: Vec<Value> = split.into_iter().map(|item| serde_json::from_slice(item.bytes()).expect("JSON")).collect();
        prop_assert_eq!(Value::from(split), Value::from(items));
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{}[],:\"\\u1 ".to_vec())], 0..60)) {
        if let Ok(document) = RawJson::document(&bytes) {
            let _ = (document.get("u"), document.items(), document.text(), document.text_bytes());
        }
    }
}
