//! Splits untrusted JSON into its parts without decoding them. A part that cannot be decoded is an error only when it is needed.

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use std::fmt;

/// The byte order mark of UTF-8, which some producers write before their JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A JSON value as received. Only its end is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawJson<'a>(&'a [u8]);

/// The error of JSON that cannot be split or decoded. The text is not escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RawJsonError {
    /// The end of a part cannot be found.
    #[error("expected {expected} at byte {at}")]
    Structure {
        /// The missing part.
        expected: &'static str,
        /// The position, from the beginning of the object, list or document.
        at: usize,
    },
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A text has an escape or a character that JSON does not allow. Holds the parser's message.
    #[error("{0}")]
    Text(String),
}

/// Removes a byte order mark.
pub fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

impl<'a> RawJson<'a> {
    /// A document of one value. A byte order mark before it is ignored.
    pub fn document(bytes: &'a [u8]) -> Result<Self, RawJsonError> {
        let mut scanner = Scanner { bytes: without_byte_order_mark(bytes), at: 0 };
        let value = scanner.value()?;
        scanner.skip_space();
        if scanner.peek().is_some() { Err(scanner.expected("the end")) } else { Ok(value) }
    }

    /// The bytes, as they arrived.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// True for an object.
    pub fn is_object(self) -> bool {
        self.0.starts_with(b"{")
    }

    /// True for `null`.
    pub fn is_null(self) -> bool {
        self.0 == b"null"
    }

    /// The field of an object; of two fields with this name, the last one. `Ok(None)` = there is none, or this is no object.
    pub fn get(self, name: &str) -> Result<Option<Self>, RawJsonError> {
        if !self.is_object() {
            return Ok(None);
        }
        let mut found = None;
        let mut scanner = Scanner { bytes: self.0, at: 1 };
        if !scanner.take_next(b'}') {
            loop {
                scanner.skip_space();
                let field = RawJson(scanner.string()?);
                scanner.require(b':', "`:`")?;
                let value = scanner.value()?;
                if field.is_text(name) {
                    found = Some(value);
                }
                if scanner.take_next(b'}') {
                    break;
                }
                scanner.require(b',', "`,` or `}`")?;
            }
        }
        Ok(found)
    }

    /// The value at the end of a path of fields; `Ok(None)` = there is none.
    pub fn at(self, path: &[&str]) -> Result<Option<Self>, RawJsonError> {
        let mut value = self;
        for name in path {
            match value.get(name)? {
                Some(field) => value = field,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// The items of a list; `Ok(None)` = this is no list.
    pub fn items(self) -> Result<Option<Vec<Self>>, RawJsonError> {
        if !self.0.starts_with(b"[") {
            return Ok(None);
        }
        let mut items = Vec::new();
        let mut scanner = Scanner { bytes: self.0, at: 1 };
        if !scanner.take_next(b']') {
            loop {
                items.push(scanner.value()?);
                if scanner.take_next(b']') {
                    break;
                }
                scanner.require(b',', "`,` or `]`")?;
            }
        }
        Ok(Some(items))
    }

    /// The decoded text; `Ok(None)` = this is no text. Strict: a text with two possible readings is an error.
    pub fn text(self) -> Result<Option<String>, RawJsonError> {
        if !self.0.starts_with(b"\"") {
            return Ok(None);
        }
        let json = std::str::from_utf8(self.0).map_err(|_| RawJsonError::NotUtf8)?;
        serde_json::from_str(json).map(Some).map_err(|error| RawJsonError::Text(error.to_string()))
    }

    /// The bytes of a text that holds another document. Invalid Unicode is kept as it is: it matters only if that part of the
    /// inner document is needed. `Ok(None)` = this is no text.
    pub fn text_bytes(self) -> Result<Option<Vec<u8>>, RawJsonError> {
        if !self.0.starts_with(b"\"") {
            return Ok(None);
        }
        serde_json::from_slice::<TextBytes>(self.0).map(|text| Some(text.0)).map_err(|error| RawJsonError::Text(error.to_string()))
    }

    /// True if this is exactly the text `text`.
    pub fn is_text(self, text: &str) -> bool {
        let plain = self.0.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        plain.is_some_and(|plain| {
            if plain.contains(&b'\\') { self.text().is_ok_and(|own| own.as_deref() == Some(text)) } else { plain == text.as_bytes() }
        })
    }
}

/// Finds where values end.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expected(&self, expected: &'static str) -> RawJsonError {
        RawJsonError::Structure { expected, at: self.at }
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips space, and the byte if it follows.
    fn take_next(&mut self, byte: u8) -> bool {
        self.skip_space();
        let follows = self.peek() == Some(byte);
        self.at += usize::from(follows);
        follows
    }

    fn require(&mut self, byte: u8, name: &'static str) -> Result<(), RawJsonError> {
        if self.take_next(byte) { Ok(()) } else { Err(self.expected(name)) }
    }

    fn value(&mut self) -> Result<RawJson<'a>, RawJsonError> {
        self.skip_space();
        let begin = self.at;
        match self.peek() {
            Some(b'"') => return self.string().map(RawJson),
            Some(b'{' | b'[') => self.nested()?,
            _ => {
                while self
                    .peek()
                    .is_some_and(|byte| !matches!(byte, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']' | b' ' | b'\t' | b'\n' | b'\r'))
                {
                    self.at += 1;
                }
            }
        }
        if self.at == begin { Err(self.expected("a value")) } else { Ok(RawJson(&self.bytes[begin..self.at])) }
    }

    fn string(&mut self) -> Result<&'a [u8], RawJsonError> {
        let begin = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.expected("a text"));
        }
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return Ok(&self.bytes[begin..self.at]),
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        self.at = self.bytes.len();
        Err(self.expected("the end of a text"))
    }

    /// Skips an object or a list. Its brackets must match. Its parts are checked when they are needed.
    fn nested(&mut self) -> Result<(), RawJsonError> {
        let mut open = Vec::new();
        while let Some(byte) = self.peek() {
            if byte == b'"' {
                self.string()?;
                continue;
            }
            match byte {
                b'{' => open.push(b'}'),
                b'[' => open.push(b']'),
                b'}' | b']' if open.pop() != Some(byte) => return Err(self.expected("another bracket")),
                _ => {}
            }
            self.at += 1;
            if open.is_empty() {
                return Ok(());
            }
        }
        Err(self.expected("the end of an object or a list"))
    }
}

/// The decoded bytes of a text. `serde_json` writes a lone surrogate as its three bytes, which are not UTF-8.
struct TextBytes(Vec<u8>);

impl<'de> Deserialize<'de> for TextBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(TextBytesVisitor).map(Self)
    }
}

struct TextBytesVisitor;

impl Visitor<'_> for TextBytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests;
