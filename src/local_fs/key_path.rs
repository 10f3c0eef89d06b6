//! The path of a key below a root, and the key of a path. Pure.
//!
//! - A key that is a valid relative path is its own path, byte for byte (*ordinary*), unless one of its components ends like an escaped path:
//!   a directory would stand where the file of another key must.
//! - The path of any other key is *escaped*: what no file system takes is written as `%XX`, long components are cut, and the path ends in
//!   `.%` and 32 digits of the key's SHA-256.
//!
//! Two keys never have the same path. A path where no component was cut gives its key back.

use crate::record::ObjectKey;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::PathBuf;

/// The directory of our own files below a root.
pub const OWN_DIRECTORY: &str = ".s3-sync";

/// The longest name that a directory takes, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// The longest path that the system takes, in bytes.
pub const MAX_PATH_BYTES: usize = 4095;

/// An escaped component of more bytes is cut.
const CUT_ABOVE_BYTES: usize = 200;

/// The most bytes of a component that was cut. The digest makes the last one longer.
const CUT_TO_BYTES: usize = 180;

const DIGEST_DIGITS: usize = 32;

/// The key that a path stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOfPath {
    /// The path is the key.
    Ordinary(ObjectKey),
    /// The path is the escaped name of this key.
    Escaped(ObjectKey),
    /// The path says too little: a component was cut, or a user named a file like an escaped path, or the path is not one of a key. Only
    /// the row of the file knows the key.
    Unknown,
}

/// The path of a key. Total. (A key of more than the 1,024 bytes that S3 allows may get a path that is too long to be opened.)
pub fn path_of(key: &ObjectKey) -> PathBuf {
    if is_ordinary(key.as_str()) { PathBuf::from(key.as_str()) } else { escaped_path_of(key) }
}

/// The escaped path of a key. An ordinary key stands there if a directory, or another file on a file system that folds case, has its path.
pub fn escaped_path_of(key: &ObjectKey) -> PathBuf {
    let mut path = String::new();
    for component in key.as_str().split('/') {
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(cut(&escaped(component)));
    }
    path.push_str(".%");
    path.push_str(&digest(key.as_str()));
    PathBuf::from(path)
}

/// The key of a path with `/` between its components. A name that is not UTF-8 belongs to no key.
pub fn key_of(path: &str) -> KeyOfPath {
    let as_key = |raw: String| ObjectKey::new(raw).ok();
    if is_ordinary(path) {
        return as_key(path.to_owned()).map_or(KeyOfPath::Unknown, KeyOfPath::Ordinary);
    }
    let key = without_digest(path).and_then(unescaped).and_then(as_key);
    // What was cut is missing from the key, so its digest is another one. The same comparison refuses names that only resemble ours.
    let proven = key.filter(|key| escaped_path_of(key).as_os_str() == path);
    proven.map_or(KeyOfPath::Unknown, KeyOfPath::Escaped)
}

/// The directory that a directory marker (a key that ends in `/`, without content) stands for; `None` = the key does not end in `/`.
pub fn directory_of_marker(key: &ObjectKey) -> Option<PathBuf> {
    let directory = key.as_str().strip_suffix('/')?;
    let escaped_parent = || escaped_path_of(key).parent().map(PathBuf::from);
    if is_valid(directory) { Some(PathBuf::from(directory)) } else { escaped_parent() }
}

fn is_ordinary(key: &str) -> bool {
    is_valid(key) && key.split('/').all(|component| without_digest(component).is_none())
}

/// True for a relative path that stays below its root, outside our own directory, with names that every file system takes.
fn is_valid(path: &str) -> bool {
    let valid = |name: &str| !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES && !name.contains('\0');
    let first = path.split('/').next().unwrap_or_default();
    path.len() <= MAX_PATH_BYTES && !is_own_directory(first) && path.split('/').all(valid)
}

/// In any case: on some file systems `.S3-Sync` is the same directory.
fn is_own_directory(name: &str) -> bool {
    name.eq_ignore_ascii_case(OWN_DIRECTORY)
}

fn escaped(component: &str) -> Cow<'_, str> {
    match component {
        "" => "%_".into(),
        "." => "%2E".into(),
        ".." => "%2E%2E".into(),
        own if is_own_directory(own) => format!("%2E{}", &own[1..]).into(),
        other if other.contains(['%', '\0']) => other.replace('%', "%25").replace('\0', "%00").into(),
        other => other.into(),
    }
}

/// The component, or its beginning up to the last whole character and the last whole `%XX`.
fn cut(escaped: &str) -> &str {
    if escaped.len() <= CUT_ABOVE_BYTES {
        return escaped;
    }
    let bytes = escaped.as_bytes();
    let whole = |end: &usize| escaped.is_char_boundary(*end) && bytes[end - 1] != b'%' && bytes[end - 2] != b'%';
    let end = (2..=CUT_TO_BYTES).rev().find(whole).unwrap_or_default();
    &escaped[..end]
}

fn digest(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    hash.iter().take(DIGEST_DIGITS / 2).fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("invariant: a String takes every write");
        digits
    })
}

/// The path before `.%` and its digits; `None` = it does not end so.
fn without_digest(path: &str) -> Option<&str> {
    let (before, digits) = path.rsplit_once(".%")?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (digits.len() == DIGEST_DIGITS && digits.bytes().all(is_digit)).then_some(before)
}

/// The key before it was escaped, if nothing was cut; `None` = no key is escaped so.
fn unescaped(path: &str) -> Option<String> {
    let components: Option<Vec<_>> = path.split('/').map(unescaped_component).collect();
    Some(components?.join("/"))
}

fn unescaped_component(component: &str) -> Option<String> {
    if component == "%_" {
        return Some(String::new());
    }
    let mut parts = component.split('%');
    let mut raw = parts.next()?.to_owned();
    for part in parts {
        // Only ASCII is ever written as `%XX`.
        let code = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii)?;
        raw.push(char::from(code));
        raw.push_str(&part[2..]);
    }
    Some(raw)
}

#[cfg(test)]
mod tests;
