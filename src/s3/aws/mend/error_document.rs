//! Reduces the document of an error to what is read of it before the SDK parses it. Otherwise one byte of its text that is not UTF-8, or one
//! element that is no XML, would lose the code, which decides what happens to the object.

use super::scan::{is_text, without_cdata};
use crate::sdk::edit_body;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use std::fmt::Write as _;

/// The elements that are read.
const READ: [&str; 4] = ["Code", "Message", "Region", "Condition"];

/// An interceptor that mends the documents of errors.
#[derive(Clone, Copy, Debug)]
pub(in crate::s3::aws) struct MendErrors;

impl Intercept for MendErrors {
    fn name(&self) -> &'static str {
        "MendErrors"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if !context.response().status().is_success() {
            edit_body(context.response_mut().body_mut(), reduced);
        }
        Ok(())
    }
}

/// The document with what is read alone. A body without a code stays as it is: it is another server's.
fn reduced(body: Vec<u8>) -> Vec<u8> {
    let body = without_cdata(body);
    let text = String::from_utf8_lossy(&body);
    if element(&text, "Code").is_none() {
        return body;
    }
    let mut reduced = "<Error>".to_owned();
    for name in READ {
        let Some(value) = element(&text, name) else { continue };
        let readable = is_text(value) && !value.contains('<');
        let shown = if readable { value.to_owned() } else { as_text(value) };
        write!(reduced, "<{name}>{shown}</{name}>").expect("invariant: writing to a String never fails");
    }
    (reduced + "</Error>").into_bytes()
}

/// The text of the first element of this name, without space around it. Of an error the SDK returns only `Code` and `Message`.
pub(in crate::s3::aws) fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

/// XML whose text is this.
fn as_text(value: &str) -> String {
    let allowed: String = value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    allowed.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_the_message_and_the_region_of_an_error_are_kept_and_readable() {
        for (document, expected) in [
            (
                &b"<?xml?><Error><Code>NoSuchKey</Code><Message>No \xf6</Message><Key>\x01</Key></Error>"[..],
                "<Error><Code>NoSuchKey</Code><Message>No \u{fffd}</Message></Error>",
            ),
            (
                b"<Error><Message>a &amp; b</Message><Code> X\n</Code><Region>eu</Region></Error>",
                "<Error><Code>X</Code><Message>a &amp; b</Message><Region>eu</Region></Error>",
            ),
            (
                b"<Error><Code>X</Code><Message>a & b &nbsp; <b>c</b>\x02</Message>",
                "<Error><Code>X</Code><Message>a &amp; b &amp;nbsp; &lt;b>c&lt;/b>\u{fffd}</Message></Error>",
            ),
            (b"<Error><Code><![CDATA[X]]></Code></Error>", "<Error><Code>X</Code></Error>"),
            (b"<html>502</html>", "<html>502</html>"),
            (b"", ""),
        ] {
            assert_eq!(String::from_utf8(reduced(document.to_vec())).expect("UTF-8"), expected);
        }
    }
}
