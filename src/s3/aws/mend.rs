//! Mends the document of a listing before the SDK parses it: removes elements that are only information and that the SDK cannot
//! parse. Otherwise the SDK would reject the whole page.

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, ByteStreamError, DateTime, DateTimeFormat, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// True if the SDK can parse the text.
type Readable = fn(&str) -> bool;

/// The elements that the engine does not decide by, each with a check whether the SDK can parse it. Not among them: keys, sizes,
/// ETags, encoding, truncation flag and token. If one of these is unreadable, the page is rejected.
const DESCRIBING: &[(&str, Readable)] = &[
    ("LastModified", is_time),
    ("RestoreExpiryDate", is_time),
    ("IsRestoreInProgress", |text| matches!(text, "true" | "false")),
    ("MaxKeys", is_number),
    ("KeyCount", is_number),
    ("DisplayName", is_text),
    ("ID", is_text),
    ("Name", is_text),
    ("Delimiter", is_text),
    ("StartAfter", is_text),
    ("ContinuationToken", is_text),
    ("StorageClass", is_text),
    ("ChecksumAlgorithm", is_text),
    ("ChecksumType", is_text),
];

fn is_time(text: &str) -> bool {
    DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).is_ok()
}

/// True if XML allows the characters and each `&` begins an entity that XML defines.
fn is_text(text: &str) -> bool {
    let is_entity = |part: &str| {
        let name = part.split_once(';').map(|(name, _)| name);
        name.is_some_and(|name| matches!(name, "lt" | "gt" | "amp" | "apos" | "quot") || name.starts_with('#'))
    };
    let is_allowed = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().all(is_allowed) && text.split('&').skip(1).all(is_entity)
}

fn is_number(text: &str) -> bool {
    text.parse::<i32>().is_ok()
}

/// An interceptor that mends a listing.
#[derive(Clone, Copy, Debug)]
pub(super) struct MendListing;

impl Intercept for MendListing {
    fn name(&self) -> &'static str {
        "MendListing"
    }

    /// The body has not arrived yet, so it is wrapped in one that mends it on arrival.
    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let inner = ByteStream::new(std::mem::replace(body, SdkBody::taken()));
        *body = SdkBody::from_body_1_x(MendedBody { inner: Some(inner), received: Vec::new() });
        Ok(())
    }
}

/// A body that is collected and mended as a whole. The parser needs the whole body in any case.
struct MendedBody {
    /// `None` = it was read.
    inner: Option<ByteStream>,
    received: Vec<u8>,
}

impl Body for MendedBody {
    type Data = Bytes;
    type Error = ByteStreamError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ByteStreamError>>> {
        while let Some(inner) = self.inner.as_mut() {
            match ready!(Pin::new(inner).poll_next(context)) {
                Some(Ok(bytes)) => self.received.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    self.inner = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.inner = None;
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from(mended(std::mem::take(&mut self.received)))))));
                }
            }
        }
        Poll::Ready(None)
    }
}

fn mended(body: Vec<u8>) -> Vec<u8> {
    let unreadable = unreadable(&body);
    if unreadable.is_empty() {
        return body;
    }
    for (element, _) in DESCRIBING {
        let count = unreadable.iter().filter(|(name, _)| name == element).count();
        if count > 0 {
            tracing::debug!(element, count, "unreadable elements of a listing are left out");
        }
    }
    without(&body, &unreadable)
}

fn without(body: &[u8], elements: &[(&'static str, Range<usize>)]) -> Vec<u8> {
    let (mut kept, mut from) = (Vec::with_capacity(body.len()), 0);
    for (_, element) in elements {
        kept.extend_from_slice(&body[from..element.start]);
        from = element.end;
    }
    kept.extend_from_slice(&body[from..]);
    kept
}

/// The elements to remove, with name and position, in the order of the document.
fn unreadable(body: &[u8]) -> Vec<(&'static str, Range<usize>)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = find(body, at, b"<") {
        // Text in a comment or in a CDATA section is no element: a key may look like one.
        let verbatim = [(&b"<!--"[..], &b"-->"[..]), (b"<![CDATA[", b"]]>"), (b"<?", b"?>")];
        let section = verbatim.into_iter().find(|(begin, _)| body[start..].starts_with(begin));
        let Some(end) = find(body, start, section.map_or(&b">"[..], |(_, end)| end)) else { break };
        at = end;
        let tag = if section.is_some() { &[][..] } else { &body[start + 1..end - 1] };
        let described = DESCRIBING.iter().find(|(name, _)| is_named(tag, name));
        let Some((name, readable)) = described else { continue };
        let Some((text, end)) = content(body, end, tag) else { break };
        at = end;
        if !std::str::from_utf8(text).is_ok_and(|text| !text.contains('<') && readable(text)) {
            found.push((*name, start..end));
        }
    }
    found
}

/// The text of the element whose start tag ends at `from`, and the element's end; `None` = there is no end tag.
fn content<'a>(body: &'a [u8], from: usize, tag: &[u8]) -> Option<(&'a [u8], usize)> {
    if tag.ends_with(b"/") {
        return Some((&[], from));
    }
    let name = tag.split(u8::is_ascii_whitespace).next()?;
    let closing = [b"</", name].concat();
    let end_tag = find(body, from, &closing)?;
    Some((&body[from..end_tag - closing.len()], find(body, end_tag, b">")?))
}

/// True if a start tag, without its brackets, has this name. Like the SDK, it ignores a namespace prefix.
fn is_named(tag: &[u8], name: &str) -> bool {
    let own = tag.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').next().unwrap_or_default();
    own.rsplit(|byte| *byte == b':').next() == Some(name.as_bytes())
}

/// The end of the first occurrence of `wanted` from `from` on.
fn find(body: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let at = from + body.get(from..)?.windows(wanted.len()).position(|window| window == wanted)?;
    Some(if wanted == b"<" { at } else { at + wanted.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &[u8]) -> String {
        String::from_utf8(mended(document.to_vec())).expect("UTF-8")
    }

    #[test]
    fn elements_that_can_be_parsed_stay() {
        for document in [
            "<R><Key>a</Key><LastModified>2018-03-13T17:25:04.123Z</LastModified><Size>1</Size><MaxKeys>5</MaxKeys></R>",
            "<R xmlns=\"x\"><Owner><ID>a&amp;b</ID><DisplayName>J\u{f6}rg</DisplayName></Owner></R>",
            "<R><LastModified>2018-03-13T17:25:04+01:00</LastModified></R>",
            // Keys, sizes and flags are never removed: the SDK rejects a wrong one.
            "<R><Key/><Size>many</Size><IsTruncated>perhaps</IsTruncated></R>",
            // A key whose text looks like an element.
            "<R><Key><![CDATA[<LastModified>never</LastModified>]]></Key><!-- <MaxKeys>x</MaxKeys> --></R>",
            "<R><Key>&lt;MaxKeys&gt;x&lt;/MaxKeys&gt;</Key></R>",
            "<R><LastModified>never",
            "no XML",
            "",
        ] {
            assert_eq!(text(document.as_bytes()), document);
        }
    }

    #[test]
    fn informational_elements_that_cannot_be_parsed_are_removed() {
        for time in ["2018-03-13T17:25:04.123", "", "yesterday", "1520961904", "<At>2018</At>", "2018-13-13T17:25:04Z"] {
            assert_eq!(
                text(format!("<R><Key>a</Key><LastModified>{time}</LastModified><Size>1</Size></R>").as_bytes()),
                "<R><Key>a</Key><Size>1</Size></R>"
            );
        }
        for (document, expected) in [
            ("<R><LastModified/><Key>a</Key></R>", "<R><Key>a</Key></R>"),
            ("<R><s:LastModified a=\"b\">x</s:LastModified ><Key>a</Key></R>", "<R><Key>a</Key></R>"),
            ("<R><MaxKeys>99999999999</MaxKeys><KeyCount>-</KeyCount></R>", "<R></R>"),
            (
                "<R><RestoreStatus><IsRestoreInProgress>TRUE</IsRestoreInProgress></RestoreStatus></R>",
                "<R><RestoreStatus></RestoreStatus></R>",
            ),
        ] {
            assert_eq!(text(document.as_bytes()), expected);
        }
        assert_eq!(text(b"<R><DisplayName>A & B</DisplayName><ID>&lt;\x01</ID></R>"), "<R></R>");
        assert_eq!(text(b"<R><ID>1</ID><DisplayName>J\xf6rg</DisplayName><Key>a</Key></R>"), "<R><ID>1</ID><Key>a</Key></R>");
    }
}
