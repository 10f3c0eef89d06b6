//! Parts of a message that cannot be decoded cost only themselves.

use super::super::notification;
use super::{events, fixture, reasons, scope};
use crate::run::IgnoredEvents;
use serde_json::json;

/// A record of one key, with raw JSON text of the test's before its fields.
fn record(key: &str, raw_fields: &str) -> String {
    format!(r#"{{{raw_fields}"eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"customer-bucket"}},"object":{{"key":"{key}"}}}}}}"#)
}

fn message(records: &[&[u8]]) -> Vec<u8> {
    [b"{\"Records\":[".to_vec(), records.join(&b','), b"]}".to_vec()].concat()
}

/// V2: a lone surrogate in the name of a user agent made the whole message a dead letter, with its good records.
#[test]
fn a_lone_surrogate_in_an_unneeded_field_is_ignored() {
    let decoded = notification(fixture("aws-lone-surrogate.json").as_bytes(), &scope());
    assert_eq!((events(&decoded), reasons(&decoded)), (vec!["create good.txt".to_owned(), "create other.txt".to_owned()], vec![]));
}

/// V2, in general: a field that serde does not accept as JSON and that no decision needs, in the record or in the message.
#[test]
fn an_unneeded_field_may_hold_anything_whose_end_can_be_found() {
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    for value in [
        &b"\"cut \\ud83d\""[..],
        b"\"a\tb\"",
        b"\"J\xf6rg\"",
        b"\"\\x41\"",
        b"NaN",
        b"-Infinity",
        b"007",
        b"1e999",
        b"{\"a\" 1}",
        deep.as_bytes(),
    ] {
        let field = [b"\"userAgent\":".as_slice(), value, b","].concat();
        let strange = record("a.txt", "@").into_bytes();
        let at = strange.iter().position(|byte| *byte == b'@').expect("the mark");
        let strange = [&strange[..at], &field, &strange[at + 1..]].concat();
        let records = message(&[&strange, record("b.txt", "").as_bytes()]);
        let around = [b"{".as_slice(), &field, &records[1..]].concat();
        for message in [records, around] {
            let decoded = notification(&message, &scope());
            let shown = String::from_utf8_lossy(&message[..message.len().min(200)]).into_owned();
            assert_eq!(
                (events(&decoded), reasons(&decoded)),
                (vec!["create a.txt".to_owned(), "create b.txt".to_owned()], vec![]),
                "{shown}"
            );
        }
    }
}

/// V2: fields that a decision needs stay strict. The dead letter holds only the bytes of its record.
#[test]
fn a_needed_field_that_cannot_be_decoded_affects_only_its_record() {
    for (key, reason) in [(&b"\\ud83d"[..], "bad_json"), (b"a\tb", "bad_json"), (b"J\xf6rg", "not_utf8")] {
        let bad = record("@", "").into_bytes();
        let at = bad.iter().position(|byte| *byte == b'@').expect("the mark");
        let bad = [&bad[..at], key, &bad[at + 1..]].concat();
        let decoded = notification(&message(&[&bad, record("b.txt", "").as_bytes()]), &scope());
        assert_eq!((events(&decoded), reasons(&decoded)), (vec!["create b.txt".to_owned()], vec![reason]));
        assert_eq!(decoded.undecodable[0].raw, bad);
    }
}

/// V2 through SNS, where the message is an escaped text: the surrogate is in that text, or escaped once more in the message.
#[test]
fn a_lone_surrogate_inside_of_sns_is_ignored() {
    let inner = message(&[record("a.txt", "\"userAgent\":\"cut \\ud83d\",").as_bytes()]);
    let escaped_twice = json!({ "Type": "Notification", "Message": String::from_utf8(inner).expect("text") }).to_string();
    for message in [escaped_twice.clone(), escaped_twice.replace("\\\\ud83d", "\\ud83d")] {
        let decoded = notification(message.as_bytes(), &scope());
        assert_eq!((events(&decoded), reasons(&decoded)), (vec!["create a.txt".to_owned()], vec![]), "{message}");
    }
}

/// V2: a time is only information. One that cannot be decoded counts as unreadable.
#[test]
fn a_time_that_cannot_be_decoded_is_counted_and_the_event_is_used() {
    let decoded = notification(record("a.txt", "\"eventTime\":\"\\ud83d\",").as_bytes(), &scope());
    assert_eq!(
        (events(&decoded), decoded.ignored),
        (vec!["create a.txt".to_owned()], IgnoredEvents { unreadable_times: 1, ..IgnoredEvents::default() })
    );
}

/// V4: a producer on Windows writes a byte order mark before its JSON.
#[test]
fn a_byte_order_mark_before_a_message_is_ignored() {
    let decoded = notification(&[b"\xef\xbb\xbf ".as_slice(), record("a.txt", "").as_bytes()].concat(), &scope());
    assert_eq!((events(&decoded), reasons(&decoded)), (vec!["create a.txt".to_owned()], vec![]));
}

/// V7: 1,200 records, which S3 may send in one message, made a dead letter that was too long to be retried.
#[test]
fn the_number_of_records_is_limited_only_by_the_message_size() {
    let one = record("a.txt", "");
    for count in [1200, 7000] {
        let decoded = notification(&message(&vec![one.as_bytes(); count]), &scope());
        assert_eq!((decoded.events.len(), reasons(&decoded)), (count, vec![]));
    }
}

/// V7: a megabyte of unusable records must not displace all other dead letters.
#[test]
fn records_that_cannot_be_decoded_are_one_dead_letter_if_there_are_very_many() {
    let sound = record("a.txt", "");
    let mut records = vec![b"{}".as_slice(); 1000];
    records.push(sound.as_bytes());
    let decoded = notification(&message(&records), &scope());
    assert_eq!((decoded.events.len(), decoded.undecodable.len()), (1, 1000));
    records.push(b"{}");
    let message = message(&records);
    let decoded = notification(&message, &scope());
    assert_eq!((events(&decoded), reasons(&decoded)), (vec!["create a.txt".to_owned()], vec!["too_many_records"]));
    assert_eq!(decoded.undecodable[0].raw, message);
    assert!(decoded.undecodable[0].error.to_string().contains("1001 records"), "{:?}", decoded.undecodable[0].error);
}

/// V3: the message became a dead letter of an unknown shape, and SNS delivered no event.
#[test]
fn a_confirmation_of_sns_has_its_own_reason_and_hint() {
    let confirm = fixture("sns-subscription-confirmation.json");
    let unsubscribed = confirm.replace("SubscriptionConfirmation", "UnsubscribeConfirmation");
    for (message, reason, words) in [
        (&confirm, "subscription_confirmation", "waits for its confirmation: open the SubscribeURL"),
        (&unsubscribed, "unsubscribe_confirmation", "was ended: open the SubscribeURL"),
    ] {
        let decoded = notification(message.as_bytes(), &scope());
        assert_eq!((events(&decoded), reasons(&decoded)), (vec![], vec![reason]));
        assert!(decoded.undecodable[0].error.to_string().contains(words), "{}", decoded.undecodable[0].error);
        assert_eq!(decoded.undecodable[0].raw, message.as_bytes(), "the URL is in the dead letter");
    }
}
