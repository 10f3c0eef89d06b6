//! Finds the elements of a listing that cannot be used. It accepts any bytes and judges nothing else: the SDK's parser refuses what is not
//! XML.

use crate::record::Escaped;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use std::ops::Range;

/// True if the SDK can parse the text.
type Readable = fn(&str) -> bool;

/// The elements by which the engine decides, with their parents; `None` = the root. A page with an unreadable or ambiguous one is refused.
const DECIDING: [(&str, Option<&[u8]>); 4] = [("Key", Some(ENTRY)), (FLAG, None), (TOKEN, None), ("EncodingType", None)];

/// Says if more pages follow.
const FLAG: &str = "IsTruncated";
/// A Ceph gateway writes the page's last key here, as it is. Beside the flag, an unreadable one is left out: the last key requests the next page,
/// too. Without the flag, only the token says that more pages follow.
const TOKEN: &str = "NextContinuationToken";

/// The other elements that the SDK parses, each with what it can parse. Of all others the text must be allowed in XML.
///
/// An object whose ETag or size is left out has an unknown one: a lookup decides. Of two different values, neither is known.
const DESCRIBING: [(&str, Readable); 17] = [
    ("ETag", is_etag),
    (SIZE, is_size),
    ("LastModified", is_time),
    ("Initiated", is_time),
    ("RestoreExpiryDate", is_time),
    ("IsRestoreInProgress", is_flag),
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

/// Decides, but a lookup shows it, too. Outside of an entry and of a part (in a user's metadata) it is not read.
const SIZE: &str = "Size";

/// The element of one object.
const ENTRY: &[u8] = b"Contents";
/// The element of one part, in the list of an upload's parts.
const PART: &[u8] = b"Part";
/// The label of all elements that are not read.
const OTHER: &str = "other";

/// Why a page is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::s3::aws) enum BadElement {
    /// Bytes or characters that XML does not allow.
    #[error("the text of an element `{0}` cannot be read")]
    NotText(&'static str),
    /// Two different values.
    #[error("an element `{0}` occurs twice, with different values")]
    Twice(&'static str),
    /// A flag with another value.
    #[error("an element `{FLAG}` says \"{}\", and neither `true` nor `false`", Escaped(.0))]
    NoFlag(String),
}

/// What cannot be used.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// The elements to leave out: name and place, in the order of the document.
    pub(super) left_out: Vec<(&'static str, Range<usize>)>,
    /// The first element that decides and cannot be used.
    pub(super) refused: Option<BadElement>,
}

/// How a leaf is judged.
#[derive(Clone, Copy)]
enum Role {
    Decides(&'static str),
    Describes(&'static str, Readable),
}

/// A leaf of a document.
struct Leaf<'a> {
    text: &'a [u8],
    place: Range<usize>,
}

/// Comments and processing instructions.
const SECTIONS: [(&[u8], &[u8]); 2] = [(b"<!--", b"-->"), (b"<?", b"?>")];
const CDATA: &[u8] = b"<![CDATA[";

/// The document with its CDATA sections as plain text, which the SDK's parser reads. Without any, it is returned as it is.
pub(super) fn without_cdata(body: Vec<u8>) -> Vec<u8> {
    if !body.windows(CDATA.len()).any(|begin| begin == CDATA) {
        return body;
    }
    let (mut plain, mut rest) = (Vec::with_capacity(body.len()), &body[..]);
    while let Some(start) = find(rest, 0, b"<") {
        plain.extend_from_slice(&rest[..start]);
        rest = &rest[start..];
        let skipped = SECTIONS.into_iter().find(|(begin, _)| rest.starts_with(begin)).map(|(_, end)| end);
        let verbatim = rest.starts_with(CDATA);
        let Some(end) = find(rest, 1, if verbatim { b"]]>" } else { skipped.unwrap_or(b">") }) else { break };
        if verbatim {
            for byte in &rest[CDATA.len()..end - b"]]>".len()] {
                match byte {
                    b'&' => plain.extend_from_slice(b"&amp;"),
                    b'<' => plain.extend_from_slice(b"&lt;"),
                    b'>' => plain.extend_from_slice(b"&gt;"),
                    byte => plain.push(*byte),
                }
            }
        } else {
            plain.extend_from_slice(&rest[..end]);
        }
        rest = &rest[end..];
    }
    plain.extend_from_slice(rest);
    plain
}

pub(super) fn findings(body: &[u8]) -> Findings {
    let mut findings = Findings::default();
    let (mut open, mut seen): (Vec<&[u8]>, Vec<(&'static str, Leaf<'_>)>) = (Vec::new(), Vec::new());
    let has_flag = find(body, 0, format!("<{FLAG}>").as_bytes()).is_some();
    let mut at = 0;
    while let Some(start) = find(body, at, b"<") {
        // What stands in a comment is no element.
        let section = SECTIONS.into_iter().find(|(begin, _)| body[start..].starts_with(begin));
        let Some(end) = find(body, start, section.map_or(&b">"[..], |(_, end)| end)) else { break };
        at = end;
        if section.is_some() {
            continue;
        }
        let tag = &body[start + 1..end - 1];
        if tag.starts_with(b"/") {
            open.pop();
            continue;
        }
        let (name, parent) = (local_name(tag), open.last().copied());
        let unknown = || is_leaf(body, end, tag).then_some(Role::Describes(OTHER, is_text));
        let Some(role) = role(name, parent, open.len() == 1).or_else(unknown) else {
            if name == ENTRY || name == PART {
                seen.retain(|(name, _)| !matches!(*name, "Key" | SIZE | "ETag"));
            }
            if !tag.ends_with(b"/") {
                open.push(name);
            }
            continue;
        };
        let Some((text, end)) = content(body, end, tag) else { break };
        at = end;
        let leaf = Leaf { text, place: start..end };
        match role {
            Role::Decides(TOKEN) if has_flag && !is_readable(text) => findings.left_out.push((TOKEN, leaf.place)),
            _ => judge(role, leaf, &mut seen, &mut findings),
        }
    }
    findings.left_out.sort_by_key(|(_, place)| place.start);
    findings.left_out.dedup();
    findings
}

fn judge<'a>(role: Role, leaf: Leaf<'a>, seen: &mut Vec<(&'static str, Leaf<'a>)>, findings: &mut Findings) {
    let name = match role {
        Role::Decides(name) if !is_readable(leaf.text) => return findings.refuse(BadElement::NotText(name)),
        Role::Decides(FLAG) if !describes(leaf.text, is_flag) => {
            return findings.refuse(BadElement::NoFlag(String::from_utf8_lossy(leaf.text).into_owned()));
        }
        Role::Describes(name, readable) if !describes(leaf.text, readable) => {
            findings.left_out.push((name, leaf.place));
            return;
        }
        Role::Decides(name) | Role::Describes(name @ ("ETag" | SIZE), _) => name,
        Role::Describes(..) => return,
    };
    let before = seen.iter().find(|(other, _)| *other == name);
    match before {
        Some((_, before)) if before.text != leaf.text && matches!(role, Role::Describes(..)) => {
            findings.left_out.extend([(name, before.place.clone()), (name, leaf.place)]);
        }
        Some((_, before)) if before.text != leaf.text => findings.refuse(BadElement::Twice(name)),
        _ => seen.push((name, leaf)),
    }
}

impl Findings {
    /// Keeps the first one.
    fn refuse(&mut self, element: BadElement) {
        self.refused.get_or_insert(element);
    }
}

fn role(name: &[u8], parent: Option<&[u8]>, in_root: bool) -> Option<Role> {
    let decides =
        DECIDING.iter().find(|(known, around)| known.as_bytes() == name && around.map_or(in_root, |around| parent == Some(around)));
    let describes = || {
        DESCRIBING.iter().find(|(known, _)| known.as_bytes() == name && (*known != SIZE || parent == Some(ENTRY) || parent == Some(PART)))
    };
    decides.map(|(known, _)| Role::Decides(known)).or_else(|| describes().map(|(known, readable)| Role::Describes(known, *readable)))
}

fn describes(text: &[u8], readable: Readable) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| !text.contains('<') && readable(text))
}

fn is_readable(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(is_text)
}

/// True if the text without the space around it can be the value of a header: a request with the expected ETag carries it.
fn is_etag(text: &str) -> bool {
    let of_reference = |part: &str| {
        let (number, _) = part.split_once(';')?;
        let value = number.strip_prefix(['x', 'X']).map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
        char::from_u32(value?)
    };
    let is_visible = |c: char| matches!(c, ' '..='~');
    is_text(text) && text.trim().chars().all(is_visible) && text.split("&#").skip(1).all(|part| of_reference(part).is_some_and(is_visible))
}

fn is_size(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|size| i64::try_from(size).is_ok())
}

fn is_time(text: &str) -> bool {
    DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).is_ok()
}

fn is_number(text: &str) -> bool {
    text.parse::<i32>().is_ok()
}

fn is_flag(text: &str) -> bool {
    matches!(text, "true" | "false")
}

/// True if XML allows the characters and each `&` begins an entity that XML defines.
pub(super) fn is_text(text: &str) -> bool {
    let is_entity = |part: &str| {
        let name = part.split_once(';').map(|(name, _)| name);
        name.is_some_and(|name| matches!(name, "lt" | "gt" | "amp" | "apos" | "quot") || name.starts_with('#'))
    };
    has_allowed_characters(text) && text.split('&').skip(1).all(is_entity)
}

fn has_allowed_characters(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

/// True if the next tag after this start tag is its end tag.
fn is_leaf(body: &[u8], from: usize, tag: &[u8]) -> bool {
    let closing = [b"</", tag.split(u8::is_ascii_whitespace).next().unwrap_or_default()].concat();
    find(body, from, b"<").is_some_and(|next| body[next..].starts_with(&closing))
}

/// The text of an element whose start tag ends at `from`, and the end of the element; `None` = it has no end tag.
fn content<'a>(body: &'a [u8], from: usize, tag: &[u8]) -> Option<(&'a [u8], usize)> {
    if tag.ends_with(b"/") {
        return Some((&[], from));
    }
    let name = tag.split(u8::is_ascii_whitespace).next()?;
    let closing = [b"</", name].concat();
    let end_tag = find(body, from, &closing)?;
    Some((&body[from..end_tag - closing.len()], find(body, end_tag, b">")?))
}

/// The name of a start tag, given without its brackets. As in the SDK, a namespace's prefix does not matter.
fn local_name(tag: &[u8]) -> &[u8] {
    let own = tag.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').next().unwrap_or_default();
    own.rsplit(|byte| *byte == b':').next().unwrap_or_default()
}

/// The end of the first occurrence of `wanted` from `from` on; for `<`, its place.
fn find(body: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let at = from + body.get(from..)?.windows(wanted.len()).position(|window| window == wanted)?;
    Some(if wanted == b"<" { at } else { at + wanted.len() })
}
