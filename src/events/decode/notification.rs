//! A notification about an object, whoever sends it: which envelope it came in, and what stands in it.

use super::{Decoded, Poison, Poisoned, Scope, event_bridge, json, record};
use crate::record::Event;
use crate::run::PassedOver;
use serde_json::{Map, Value};

/// S3 and MinIO send one record a message, seldom more.
const RECORDS_MAX: usize = 1000;

/// Decodes a message of S3 (alone or inside SNS), of `EventBridge` or of MinIO, or a single record.
pub fn notification(message: &[u8], scope: &Scope) -> Decoded {
    let mut decoded = Decoded::default();
    let opened = json::parse(message).and_then(|value| open(value, scope, &mut decoded));
    if let Err(poison) = opened {
        decoded.poisoned.push(Poisoned { poison, raw: message.to_vec() });
    }
    decoded
}

fn open(message: Value, scope: &Scope, decoded: &mut Decoded) -> Result<(), Poison> {
    let Value::Object(message) = message else { return Err(Poison::UnknownShape("it is no JSON object")) };
    if text(&message, "Type") != Some("Notification") {
        return contents(message, scope, decoded);
    }
    let inner = text(&message, "Message").ok_or(Poison::UnknownShape("an SNS notification without a Message"))?;
    match json::parse(inner.as_bytes())? {
        Value::Object(inner) if text(&inner, "Type") != Some("Notification") => contents(inner, scope, decoded),
        _ => Err(Poison::UnknownShape("an SNS notification whose Message is none of S3")),
    }
}

/// What is left when the envelope of SNS is gone.
fn contents(mut message: Map<String, Value>, scope: &Scope, decoded: &mut Decoded) -> Result<(), Poison> {
    if text(&message, "Event") == Some("s3:TestEvent") {
        decoded.passed_over.test_events += 1;
        return Ok(());
    }
    match message.remove("Records") {
        Some(Value::Array(records)) if records.len() > RECORDS_MAX => Err(Poison::TooManyRecords { records: records.len() }),
        Some(Value::Array(records)) => {
            for record in &records {
                decoded.take(record, scope, record::decode);
            }
            Ok(())
        }
        Some(_) => Err(Poison::UnknownShape("Records is no list")),
        None if text(&message, "source") == Some("aws.s3") && message.contains_key("detail-type") => {
            decoded.take(&Value::Object(message), scope, event_bridge::decode);
            Ok(())
        }
        None if message.contains_key("s3") => {
            decoded.take(&Value::Object(message), scope, record::decode);
            Ok(())
        }
        None => Err(Poison::UnknownShape("no Records, no s3, no detail-type of aws.s3")),
    }
}

/// What one record comes to; `None` = passed over, and counted.
type Decode = fn(&Value, &Scope, &mut PassedOver) -> Result<Option<Event>, Poison>;

impl Decoded {
    fn take(&mut self, record: &Value, scope: &Scope, decode: Decode) {
        match decode(record, scope, &mut self.passed_over) {
            Ok(event) => self.events.extend(event),
            Err(poison) => self.poisoned.push(Poisoned { poison, raw: record.to_string().into_bytes() }),
        }
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}
