//! Decodes an S3 notification of any sender: removes its envelope and chooses the decoder of its records by their shape.

use super::{DecodeError, Decoded, Scope, Undecodable, event_bridge, json, record};
use crate::record::Event;
use crate::run::IgnoredEvents;
use serde_json::{Map, Value};

/// The maximum number of records in a message. S3 and MinIO usually send one.
const MAX_RECORDS: usize = 1000;

/// Decodes a message of S3 (alone or inside SNS), of `EventBridge` or of MinIO, or a single record.
pub fn notification(message: &[u8], scope: &Scope) -> Decoded {
    let mut decoded = Decoded::default();
    let result = json::parse(message).and_then(|value| unwrap_envelope(value, scope, &mut decoded));
    if let Err(error) = result {
        decoded.undecodable.push(Undecodable { error, raw: message.to_vec() });
    }
    decoded
}

fn unwrap_envelope(message: Value, scope: &Scope, decoded: &mut Decoded) -> Result<(), DecodeError> {
    let Value::Object(message) = message else { return Err(DecodeError::UnknownShape("it is not a JSON object")) };
    if text(&message, "Type") != Some("Notification") {
        return decode_contents(message, scope, decoded);
    }
    let inner = text(&message, "Message").ok_or(DecodeError::UnknownShape("an SNS notification without a Message"))?;
    match json::parse(inner.as_bytes())? {
        Value::Object(inner) if text(&inner, "Type") != Some("Notification") => decode_contents(inner, scope, decoded),
        _ => Err(DecodeError::UnknownShape("an SNS notification whose Message is not from S3")),
    }
}

/// Decodes a message without SNS's envelope.
fn decode_contents(mut message: Map<String, Value>, scope: &Scope, decoded: &mut Decoded) -> Result<(), DecodeError> {
    if text(&message, "Event") == Some("s3:TestEvent") {
        decoded.ignored.test_events += 1;
        return Ok(());
    }
    match message.remove("Records") {
        Some(Value::Array(records)) if records.len() > MAX_RECORDS => Err(DecodeError::TooManyRecords { records: records.len() }),
        Some(Value::Array(records)) => {
            for record in &records {
                decoded.take(record, scope, record::decode);
            }
            Ok(())
        }
        Some(_) => Err(DecodeError::UnknownShape("Records is not a list")),
        None if text(&message, "source") == Some("aws.s3") && message.contains_key("detail-type") => {
            decoded.take(&Value::Object(message), scope, event_bridge::decode);
            Ok(())
        }
        None if message.contains_key("s3") => {
            decoded.take(&Value::Object(message), scope, record::decode);
            Ok(())
        }
        None => Err(DecodeError::UnknownShape("no Records, no s3, no detail-type of aws.s3")),
    }
}

/// A decoder of one record; `Ok(None)` = ignored and counted.
type Decode = fn(&Value, &Scope, &mut IgnoredEvents) -> Result<Option<Event>, DecodeError>;

impl Decoded {
    fn take(&mut self, record: &Value, scope: &Scope, decode: Decode) {
        match decode(record, scope, &mut self.ignored) {
            Ok(event) => self.events.extend(event),
            Err(error) => self.undecodable.push(Undecodable { error, raw: record.to_string().into_bytes() }),
        }
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}
