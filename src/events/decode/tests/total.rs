//! For any input a decoder returns events, errors, or counts.

use super::super::{feed_event, notification};
use super::{fixture, scope};
use proptest::prelude::*;
use serde_json::{Map, Value};

const MESSAGES: [&str; 6] =
    ["aws-put.json", "sns-wrapped.json", "eventbridge-created.json", "minio-put.json", "aws-test-event.json", "feed-trouble.json"];

/// JSON made of the names that the decoders look for.
fn near_json() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "Records",
        "s3",
        "bucket",
        "object",
        "key",
        "name",
        "eventName",
        "eventVersion",
        "eventTime",
        "Type",
        "Message",
        "source",
        "detail-type",
        "detail",
        "event_type",
        "file_path",
        "new_path",
        "metadata",
        "timestamp",
        "Event",
    ]);
    let word = prop::sample::select(vec![
        "Notification",
        "aws.s3",
        "Object Created",
        "ObjectCreated:Put",
        "customer-bucket",
        "2.1",
        "rename",
        "/",
        "%FF%",
        "",
        "2024-01-15T10:00:00",
        "{\"Records\":[null]}",
        "s3:TestEvent",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())),
        ]
    })
}

/// Every message has a result, and errors can be shown.
fn check(message: &[u8]) {
    let decoded = notification(message, &scope());
    let ignored = decoded.ignored;
    let counted = ignored.unknown_names + ignored.outside_prefix + ignored.test_events;
    let no_records = serde_json::from_slice::<Value>(message).is_ok_and(|value| value.to_string().contains("\"Records\":[]"));
    let no_records = no_records || String::from_utf8_lossy(message).contains("\\\"Records\\\":[]");
    assert!(!decoded.events.is_empty() || !decoded.undecodable.is_empty() || counted > 0 || no_records);
    assert!(decoded.undecodable.iter().all(|undecodable| !undecodable.error.to_string().contains(char::is_control)));
    let _ = feed_event(message, &scope());
}

proptest! {
    #[test]
    fn decoding_is_total_for_any_bytes(message in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&message);
    }

    #[test]
    fn decoding_is_total_for_json_that_resembles_a_message(message in near_json()) {
        check(message.to_string().as_bytes());
    }

    #[test]
    fn decoding_is_total_for_real_messages_with_changed_bytes(
        which in 0..MESSAGES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut message = fixture(MESSAGES[which]).into_bytes();
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        if cut {
            message.truncate(end.index(message.len()));
        }
        check(&message);
    }

    #[test]
    fn an_event_has_the_same_hash_in_every_spelling(event in near_json()) {
        let spelt = serde_json::to_string_pretty(&event).expect("JSON");
        prop_assert_eq!(feed_event(event.to_string().as_bytes(), &scope()), feed_event(spelt.as_bytes(), &scope()));
    }
}
