//! Reduces a response with messages to what is read of it before the SDK parses it. Otherwise a field that only describes (an id, a digest,
//! an attribute) and that the SDK cannot parse would make the whole queue unreadable.

use crate::record::{RawJson, RawJsonError};
use crate::sdk::edit_body;
use aws_sdk_sqs::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;
use serde_json::json;

/// An interceptor that leaves the receipt and the body of each message.
#[derive(Clone, Copy, Debug)]
pub(super) struct MendMessages;

impl Intercept for MendMessages {
    fn name(&self) -> &'static str {
        "MendMessages"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A body that cannot be split is left to the SDK, whose error says what is wrong with it.
        edit_body(context.response_mut().body_mut(), |body| reduced(&body).ok().flatten().unwrap_or(body));
        Ok(())
    }
}

/// The response with what is read alone; `None` = it has no list of messages, for example because it is an error.
fn reduced(response: &[u8]) -> Result<Option<Vec<u8>>, RawJsonError> {
    let messages = RawJson::document(response)?.get("Messages")?;
    let Some(messages) = messages.map(RawJson::items).transpose()?.flatten() else { return Ok(None) };
    let mut reduced = Vec::new();
    for message in messages {
        // A message without a receipt is kept: the caller reports it.
        let receipt = message.get("ReceiptHandle")?.and_then(|receipt| receipt.text().ok().flatten());
        let body = message.get("Body")?.map(|body| match body.text() {
            Ok(Some(text)) => text,
            // Not a text: as it arrived, so that the dead letter shows it.
            _ => String::from_utf8_lossy(body.bytes()).into_owned(),
        });
        reduced.push(json!({ "ReceiptHandle": receipt, "Body": body }));
    }
    Ok(Some(json!({ "Messages": reduced }).to_string().into_bytes()))
}
