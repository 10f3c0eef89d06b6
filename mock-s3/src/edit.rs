//! Changes in the XML document of a response.

use bytes::{Bytes, BytesMut};
use hyper::Response;
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use s3s::Body;

/// A change of a document; see `Fault` for the meaning of each.
pub(crate) enum Edit {
    Text { find: String, replace: Bytes },
    Element { parent: &'static str, name: &'static str, values: Vec<Vec<u8>> },
}

impl Edit {
    /// The response with the changed document. A body that is streamed stays as it is.
    pub(crate) fn apply(&self, response: Response<Body>) -> Response<Body> {
        let Some(document) = response.body().bytes() else { return response };
        let edited = match self {
            Self::Text { find, replace } => with_text(&document, find.as_bytes(), replace),
            Self::Element { parent, name, values } => with_elements(&document, parent, name, values),
        };
        let (mut head, _) = response.into_parts();
        if let Some(value) = head.headers.get_mut(CONTENT_LENGTH) {
            *value = HeaderValue::from(edited.len());
        }
        Response::from_parts(head, Body::from(edited.freeze()))
    }
}

fn with_text(mut rest: &[u8], find: &[u8], replace: &[u8]) -> BytesMut {
    let mut edited = BytesMut::new();
    while let Some(at) = position(rest, find) {
        edited.extend_from_slice(&rest[..at]);
        edited.extend_from_slice(replace);
        rest = &rest[at + find.len()..];
    }
    edited.extend_from_slice(rest);
    edited
}

/// In each `parent`, the elements of the name are replaced by those with the values, at its beginning. A parent holds no other one of its
/// own name, and the elements hold no others.
fn with_elements(mut rest: &[u8], parent: &str, name: &str, values: &[Vec<u8>]) -> BytesMut {
    let (begin, end) = (format!("<{parent}"), format!("</{parent}>"));
    let added: Vec<u8> = values.iter().flat_map(|value| element(name, value)).collect();
    let mut edited = BytesMut::new();
    while let Some(at) = position(rest, begin.as_bytes()) {
        let inside = at + position(&rest[at..], b">").map_or(rest.len() - at, |end| end + 1);
        let Some(length) = position(&rest[inside..], end.as_bytes()) else { break };
        edited.extend_from_slice(&rest[..inside]);
        edited.extend_from_slice(&added);
        edited.extend_from_slice(&without_elements(&rest[inside..inside + length], name));
        rest = &rest[inside + length..];
    }
    edited.extend_from_slice(rest);
    edited
}

fn without_elements(mut rest: &[u8], name: &str) -> BytesMut {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let mut kept = BytesMut::new();
    while let Some(at) = position(rest, begin.as_bytes()) {
        let Some(length) = position(&rest[at..], end.as_bytes()) else { break };
        kept.extend_from_slice(&rest[..at]);
        rest = &rest[at + length + end.len()..];
    }
    kept.extend_from_slice(rest);
    kept
}

fn element(name: &str, value: &[u8]) -> Vec<u8> {
    [format!("<{name}>").as_bytes(), value, format!("</{name}>").as_bytes()].concat()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_of_each_parent_are_replaced() {
        let document = b"<L x=\"y\"><N>1</N><C><K>a</K><S>1</S></C><C><K>b</K></C></L>";
        let edited = |parent, name, values: &[&[u8]]| {
            let values: Vec<_> = values.iter().map(|value| value.to_vec()).collect();
            String::from_utf8(with_elements(document, parent, name, &values).to_vec()).expect("text")
        };
        assert_eq!(edited("C", "S", &[]), "<L x=\"y\"><N>1</N><C><K>a</K></C><C><K>b</K></C></L>");
        assert_eq!(
            edited("C", "S", &[b"7", b"8"]),
            "<L x=\"y\"><N>1</N><C><S>7</S><S>8</S><K>a</K></C><C><S>7</S><S>8</S><K>b</K></C></L>"
        );
        assert_eq!(edited("L", "N", &[b""]), "<L x=\"y\"><N></N><C><K>a</K><S>1</S></C><C><K>b</K></C></L>");
    }
}
