//! Decodes an S3 notification of any sender: removes its envelope and chooses the decoder of its records by their shape.

use super::{DecodeError, Decoded, Scope, Undecodable, event_bridge, json, record};
use crate::record::{Event, RawJson};
use crate::run::IgnoredEvents;

/// The type of SNS's envelope around a message.
const NOTIFICATION: &str = "Notification";

/// The maximum number of dead letters of one message. Its bytes bound its records, but a megabyte of nonsense has more of them than the state
/// keeps dead letters.
const MAX_UNDECODABLE: usize = 1000;

/// Decodes a message of S3 (alone or inside SNS), of `EventBridge` or of MinIO, or a single record.
pub fn notification(message: &[u8], scope: &Scope) -> Decoded {
    let mut decoded = Decoded::default();
    let result = json::document(message).and_then(|value| unwrap_envelope(value, scope, &mut decoded));
    let records = decoded.undecodable.len();
    if records > MAX_UNDECODABLE {
        decoded.undecodable = vec![Undecodable { error: DecodeError::TooManyRecords { records }, raw: message.to_vec() }];
    }
    if let Err(error) = result {
        decoded.undecodable.push(Undecodable { error, raw: message.to_vec() });
    }
    decoded
}

fn unwrap_envelope(message: RawJson<'_>, scope: &Scope, decoded: &mut Decoded) -> Result<(), DecodeError> {
    if !message.is_object() {
        return Err(DecodeError::UnknownShape("it is not a JSON object"));
    }
    if json::has_text(message, "Type", "SubscriptionConfirmation")? {
        return Err(DecodeError::Unconfirmed);
    }
    if json::has_text(message, "Type", "UnsubscribeConfirmation")? {
        return Err(DecodeError::Unsubscribed);
    }
    if !json::has_text(message, "Type", NOTIFICATION)? {
        return decode_contents(message, scope, decoded);
    }
    let inner = message.get("Message")?.map(RawJson::text_bytes).transpose()?.flatten();
    let inner = inner.ok_or(DecodeError::UnknownShape("an SNS notification without a Message"))?;
    let inner = json::document(&inner)?;
    if !inner.is_object() || json::has_text(inner, "Type", NOTIFICATION)? {
        return Err(DecodeError::UnknownShape("an SNS notification whose Message is not from S3"));
    }
    decode_contents(inner, scope, decoded)
}

/// Decodes a message without SNS's envelope.
fn decode_contents(message: RawJson<'_>, scope: &Scope, decoded: &mut Decoded) -> Result<(), DecodeError> {
    if json::has_text(message, "Event", "s3:TestEvent")? {
        decoded.ignored.test_events += 1;
        return Ok(());
    }
    if let Some(records) = message.get("Records")? {
        let records = records.items()?.ok_or(DecodeError::UnknownShape("Records is not a list"))?;
        for record in records {
            decoded.take(record, scope, record::decode);
        }
    } else if json::has_text(message, "source", "aws.s3")? && message.get("detail-type")?.is_some() {
        decoded.take(message, scope, event_bridge::decode);
    } else if message.get("s3")?.is_some() {
        decoded.take(message, scope, record::decode);
    } else {
        return Err(DecodeError::UnknownShape("no Records, no s3, no detail-type of aws.s3"));
    }
    Ok(())
}

/// A decoder of one record; `Ok(None)` = ignored and counted.
type Decode = fn(RawJson<'_>, &Scope, &mut IgnoredEvents) -> Result<Option<Event>, DecodeError>;

impl Decoded {
    fn take(&mut self, record: RawJson<'_>, scope: &Scope, decode: Decode) {
        match decode(record, scope, &mut self.ignored) {
            Ok(event) => self.events.extend(event),
            Err(error) => self.undecodable.push(Undecodable { error, raw: record.bytes().to_vec() }),
        }
    }
}
