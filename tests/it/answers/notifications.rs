//! The fields of messages from a queue: S3's records, `EventBridge`, and SNS's envelope. One cycle receives all cases, each about a key of
//! its own.

use super::table::{ABSENT, Case, EMPTY, Fate, Field, Form, NOT_TEXT, OTHER_CASE, OTHER_FORMAT, OUT_OF_RANGE, cases, compare};
use crate::workflow::scene::{BUCKET, Scene, in_memory, key};
use async_trait::async_trait;
use jiff::SignedDuration;
use s3_sync::events::queue::{EventQueue, Message, MessageReceipt, QueueError};
use s3_sync::state::{DeadLetter, State};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

fn field(name: &'static str, right: &str, other: &str) -> Field {
    Field::new(Form::JsonText, name, right, other)
}

fn describing(fields: &[(&'static str, &str)]) -> Vec<Field> {
    fields.iter().map(|(name, right)| field(name, right, "\"other\"")).collect()
}

/// The fields of one record.
pub(super) fn of_record() -> Vec<Field> {
    let mut fields = vec![
        field("eventName", "\"ObjectCreated:Put\"", "\"ObjectRemoved:Delete\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_shape", &[ABSENT, OTHER_FORMAT])
            .is(Fate::Ignored, &[EMPTY, OTHER_CASE])
            .dead("bad_json", &[NOT_TEXT]),
        field("eventVersion", "\"2.1\"", "\"3.0\"")
            .sends(OUT_OF_RANGE, "\"99.0\"")
            .dead("unknown_version", &[OUT_OF_RANGE, OTHER_FORMAT])
            .dead("bad_json", &[NOT_TEXT]),
        field("s3.bucket.name", "\"customer-bucket\"", "\"other\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_shape", &[ABSENT, OTHER_FORMAT])
            .dead("foreign_bucket", &[EMPTY, OTHER_CASE])
            .dead("bad_json", &[NOT_TEXT]),
        field("s3.object.key", "\"{id}\"", "\"other\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_shape", &[ABSENT, OTHER_FORMAT])
            .dead("empty_path", &[EMPTY])
            .dead("bad_json", &[NOT_TEXT]),
    ];
    fields.extend(describing(&[
        ("eventTime", "\"2026-05-04T10:00:00.000Z\""),
        ("eventSource", "\"aws:s3\""),
        ("awsRegion", "\"us-east-1\""),
        ("userIdentity", "{\"principalId\":\"A\"}"),
        ("requestParameters", "{\"sourceIPAddress\":\"127.0.0.1\"}"),
        ("responseElements", "{\"x-amz-request-id\":\"1\"}"),
        ("s3.s3SchemaVersion", "\"1.0\""),
        ("s3.configurationId", "\"sync\""),
        ("s3.bucket.ownerIdentity", "{\"principalId\":\"A\"}"),
        ("s3.bucket.arn", "\"arn:aws:s3:::customer-bucket\""),
        ("s3.object.size", "7"),
        ("s3.object.eTag", "\"9a0364b9e99bb480dd25e1f0284c8555\""),
        ("s3.object.versionId", "\"a1\""),
        ("s3.object.sequencer", "\"0055AED6DCD90281E5\""),
        ("glacierEventData", "{\"restoreEventData\":{}}"),
        ("unknown", "1"),
    ]));
    fields
}

/// The fields of a message of `EventBridge`.
pub(super) fn of_event_bridge() -> Vec<Field> {
    let mut fields = vec![
        field("source", "\"aws.s3\"", "\"aws.ec2\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_shape", &[ABSENT, EMPTY, OTHER_CASE, OTHER_FORMAT, NOT_TEXT]),
        field("detail-type", "\"Object Created\"", "\"Object Deleted\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_shape", &[ABSENT, OTHER_FORMAT])
            .is(Fate::Ignored, &[EMPTY, OTHER_CASE])
            .dead("bad_json", &[NOT_TEXT]),
        field("detail.bucket.name", "\"customer-bucket\"", "\"other\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_shape", &[ABSENT, OTHER_FORMAT])
            .dead("foreign_bucket", &[EMPTY, OTHER_CASE])
            .dead("bad_json", &[NOT_TEXT]),
        field("detail.object.key", "\"{id}\"", "\"other\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_shape", &[ABSENT, OTHER_FORMAT])
            .dead("empty_path", &[EMPTY])
            .dead("bad_json", &[NOT_TEXT]),
    ];
    fields.extend(describing(&[
        ("time", "\"2026-05-04T10:00:00Z\""),
        ("version", "\"0\""),
        ("id", "\"17793124\""),
        ("account", "\"111122223333\""),
        ("region", "\"us-east-1\""),
        ("resources", "[\"arn:aws:s3:::customer-bucket\"]"),
        ("detail.version", "\"0\""),
        ("detail.object.size", "7"),
        ("detail.object.etag", "\"9a0364b9e99bb480dd25e1f0284c8555\""),
        ("detail.object.version-id", "\"a1\""),
        ("detail.object.sequencer", "\"617f08299329d189\""),
        ("detail.request-id", "\"N4N7GDK58NMKJ12R\""),
        ("detail.requester", "\"123456789012\""),
        ("detail.source-ip-address", "\"1.2.3.4\""),
        ("detail.reason", "\"PutObject\""),
        ("detail.deletion-type", "\"Permanently Deleted\""),
    ]));
    fields
}

/// The fields around a message from SNS.
pub(super) fn of_sns() -> Vec<Field> {
    let mut fields = vec![
        field("Type", "\"Notification\"", "\"Other\"")
            .without(&[OUT_OF_RANGE])
            .dead("unknown_shape", &[ABSENT, EMPTY, OTHER_CASE, OTHER_FORMAT, NOT_TEXT]),
        field("Message", "\"{\\\"Records\\\":[{record}]}\"", "\"other\"")
            .without(&[OUT_OF_RANGE, OTHER_CASE])
            .dead("unknown_shape", &[ABSENT, OTHER_FORMAT, NOT_TEXT])
            .dead("bad_json", &[EMPTY]),
    ];
    fields.extend(describing(&[
        ("MessageId", "\"22b80b92\""),
        ("TopicArn", "\"arn:aws:sns:us-east-1:123456789012:sync\""),
        ("Subject", "\"Amazon S3 Notification\""),
        ("Timestamp", "\"2026-05-04T10:00:01.000Z\""),
        ("SignatureVersion", "\"2\""),
        ("Signature", "\"EXAMPLE\""),
        ("SigningCertURL", "\"https://sns.us-east-1.amazonaws.com/a.pem\""),
        ("UnsubscribeURL", "\"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe\""),
        ("MessageAttributes", "{}"),
    ]));
    fields
}

/// A record about the key.
pub(super) fn record(id: &str) -> Value {
    json!({ "case": id, "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": BUCKET }, "object": { "key": id } } })
}

/// The template with the field as the case sends it. The field's parents are in the template.
pub(super) fn spliced(mut template: Value, case: &Case, id: &str) -> Vec<u8> {
    const PLACE: &str = "@@here@@";
    let mut names: Vec<_> = case.field.split('.').collect();
    let name = names.pop().expect("invariant: a field has a name");
    names.into_iter().fold(&mut template, |value, name| &mut value[name])[name] = json!(PLACE);
    let member = format!("\"{name}\":\"{PLACE}\"");
    let inner = record(id).to_string().replace('"', "\\\"");
    let replaced = |value: &[u8]| {
        // The values that are not text have no place for a name.
        std::str::from_utf8(value).map_or_else(|_| value.to_vec(), |text| text.replace("{id}", id).replace("{record}", &inner).into_bytes())
    };
    let occurrences = case.sent.iter().map(|value| [format!("\"{name}\":").as_bytes(), &replaced(value)].concat());
    let text = template.to_string();
    let (before, after) = text.split_once(&member).expect("invariant: the field was put there");
    let sent = occurrences.collect::<Vec<_>>().join(&b","[..]);
    // Without the field, one of the commas around it goes, too.
    let (before, after) = match (sent.is_empty(), before.strip_suffix(','), after.strip_prefix(',')) {
        (true, Some(before), _) => (before, after),
        (true, None, Some(after)) => (before, after),
        _ => (before, after),
    };
    [before.as_bytes(), &sent, after.as_bytes()].concat()
}

/// Serves its messages until they are acknowledged.
struct Queue(Mutex<Vec<Message>>);

#[async_trait]
impl EventQueue for Queue {
    fn address(&self) -> &'static str {
        "http://queue"
    }

    async fn receive(&self, _: Duration) -> Result<Vec<Message>, QueueError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().take(10).cloned().collect())
    }

    async fn acknowledge(&self, receipts: Vec<MessageReceipt>) -> Result<Vec<MessageReceipt>, QueueError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|message| !receipts.contains(&message.receipt));
        Ok(Vec::new())
    }

    async fn release(&self, _: Vec<MessageReceipt>) -> Result<(), QueueError> {
        Ok(())
    }

    async fn retention(&self) -> Option<SignedDuration> {
        None
    }
}

/// The dead letters of a scene.
pub(super) async fn dead_letters(scene: &Scene) -> Vec<DeadLetter> {
    let state = State::open(&scene.program.database).await.expect("a state");
    state.inbox().dead_letters(0, 10_000).await.expect("read")
}

/// What became of the case: its key arrived, or a dead letter holds its number.
pub(super) fn fate(id: &str, contents: &std::collections::BTreeMap<String, bytes::Bytes>, dead: &[DeadLetter]) -> (Fate, String) {
    if contents.contains_key(id) {
        return (Fate::Synced, String::new());
    }
    let letter = dead.iter().find(|letter| letter.raw.windows(id.len()).any(|part| part == id.as_bytes()));
    letter.map_or((Fate::Ignored, String::new()), |letter| (Fate::DeadLetter(leaked(&letter.reason)), letter.message.clone()))
}

/// A reason in the form in which the table has it.
fn leaked(reason: &str) -> &'static str {
    Box::leak(reason.to_owned().into_boxed_str())
}

/// Plays each case with an event about a key of its own, all of them in one cycle, and compares what becomes of them. `serve` gives the scene
/// the events.
pub(super) async fn check_in_one_cycle(
    fields: Vec<Field>,
    template: impl Fn(&str) -> Value,
    serve: impl FnOnce(&mut Scene, Vec<(String, Vec<u8>)>),
) {
    let (bucket, mut scene) = in_memory().await;
    bucket.put(key("first"), "first");
    scene.run_to_success().await;
    let cases: Vec<_> = cases(&fields).into_iter().enumerate().map(|(number, case)| (format!("case{number:04}"), case)).collect();
    for (id, _) in &cases {
        bucket.put(key(id), id.clone());
    }
    serve(&mut scene, cases.iter().map(|(id, case)| (id.clone(), spliced(template(id), case, id))).collect());
    scene.cycle().await;
    let (contents, dead) = (scene.contents(), dead_letters(&scene).await);
    compare(cases.into_iter().map(|(id, case)| {
        let (fate, text) = fate(&id, &contents, &dead);
        (case, fate, text)
    }));
}

async fn check(fields: Vec<Field>, template: impl Fn(&str) -> Value) {
    check_in_one_cycle(fields, template, |scene, events| {
        let message =
            |(id, body)| Message { receipt: MessageReceipt(id), body: String::from_utf8(body).expect("the messages of a queue are UTF-8") };
        scene.program.endpoints.queues.push(Arc::new(Queue(Mutex::new(events.into_iter().map(message).collect()))));
    })
    .await;
}

#[tokio::test]
async fn each_field_of_a_record_wrong_in_each_way() {
    check(of_record(), record).await;
}

#[tokio::test]
async fn each_field_of_event_bridge_wrong_in_each_way() {
    check(of_event_bridge(), |id| {
        let detail = json!({ "bucket": { "name": BUCKET }, "object": { "key": id } });
        json!({ "case": id, "source": "aws.s3", "detail-type": "Object Created", "detail": detail })
    })
    .await;
}

#[tokio::test]
async fn each_field_of_sns_wrong_in_each_way() {
    check(of_sns(), |id| json!({ "case": id, "Type": "Notification", "Message": json!({ "Records": [record(id)] }).to_string() })).await;
}
