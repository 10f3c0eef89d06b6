//! One page of a listing: its keys and common prefixes, the start of the next page, and the encoding of keys.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;

/// A token begins with one of these for each empty page before it.
const EMPTY_PAGE: char = '~';

/// The parameters of a page.
pub(crate) struct Query<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) after: Marker,
    pub(crate) limit: usize,
}

/// A listing as some stores send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddListing {
    /// No entry, and a token for the next entries.
    EmptyPage,
    /// `start-after` has no effect, a token has.
    StartAfterIgnored,
    /// `max-keys` has no effect.
    MaxKeysIgnored,
    /// Neither `start-after` nor a token has an effect: each page is the first one.
    InCircles,
    /// The order of a walk through directories: a slash comes before every other character. `start-after` and tokens name a place in this
    /// order.
    DirectoryOrder,
    /// Keys are written as they are, and declared as encoded.
    PlainDeclared,
    /// Keys are written as they are, and not declared as encoded.
    PlainUndeclared,
    /// Keys are encoded, and not declared as encoded.
    FormUndeclared,
    /// Keys are percent-encoded except for a plus sign, and declared as encoded.
    PercentDeclared,
}

impl OddListing {
    /// The encoding of keys, if it is not that of S3.
    pub(crate) fn encoding(self) -> Option<fn(&str) -> String> {
        match self {
            Self::PlainDeclared | Self::PlainUndeclared => Some(str::to_owned),
            Self::PercentDeclared => Some(|key| url_encode(key).replace('+', "%20").replace("%2B", "+")),
            _ => None,
        }
    }

    /// True if the response does not say that keys are encoded.
    pub(crate) fn hides_encoding(self) -> bool {
        matches!(self, Self::PlainUndeclared | Self::FormUndeclared)
    }
}

/// A position in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Start,
    /// After this key.
    Key(String),
    /// After all keys of this common prefix.
    Prefix(String),
}

impl Marker {
    /// The token of an empty page at this position. It differs from the token that requested the page.
    pub(crate) fn to_next_token(&self, asked: Option<&str>) -> String {
        let empty_pages = asked.map_or(0, |token| token.len() - token.trim_start_matches(EMPTY_PAGE).len());
        EMPTY_PAGE.to_string().repeat(empty_pages + 1) + &self.to_token()
    }

    /// Opaque to clients.
    pub(crate) fn to_token(&self) -> String {
        let (kind, text) = match self {
            Self::Start => ('s', ""),
            Self::Key(key) => ('k', key.as_str()),
            Self::Prefix(prefix) => ('p', prefix.as_str()),
        };
        BASE64_URL_SAFE_NO_PAD.encode(format!("{kind}{text}"))
    }

    pub(crate) fn from_token(token: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token.trim_start_matches(EMPTY_PAGE)).ok()?).ok()?;
        match text.split_at_checked(1)? {
            ("k", key) => Some(Self::Key(key.into())),
            ("p", prefix) => Some(Self::Prefix(prefix.into())),
            ("s", "") => Some(Self::Start),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Start => "",
            Self::Key(text) | Self::Prefix(text) => text,
        }
    }
}

/// A page, in byte order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) objects: Vec<(String, T)>,
    pub(crate) prefixes: Vec<String>,
    /// Set if more follows.
    pub(crate) next: Option<Marker>,
}

pub(crate) fn page<T: Clone>(objects: &BTreeMap<String, T>, query: &Query<'_>) -> Page<T> {
    let mut page = Page { objects: Vec::new(), prefixes: Vec::new(), next: None };
    let mut last = Marker::Start;
    let start = match query.after.text() {
        after if after.is_empty() || after < query.prefix => Bound::Included(query.prefix),
        after => Bound::Excluded(after),
    };
    for (key, object) in objects.range::<str, _>((start, Bound::Unbounded)) {
        if !key.starts_with(query.prefix) {
            break;
        }
        let seen = |marker: &Marker| matches!(marker, Marker::Prefix(prefix) if key.starts_with(prefix.as_str()));
        if seen(&query.after) || seen(&last) {
            continue;
        }
        if page.objects.len() + page.prefixes.len() == query.limit {
            page.next = (query.limit > 0).then_some(last);
            break;
        }
        if let Some(prefix) = common_prefix(key, query) {
            page.prefixes.push(prefix.into());
            last = Marker::Prefix(prefix.into());
        } else {
            page.objects.push((key.clone(), object.clone()));
            last = Marker::Key(key.clone());
        }
    }
    page
}

/// A page in the order of a walk through directories, without common prefixes.
pub(crate) fn page_in_directory_order<T: Clone>(objects: &BTreeMap<String, T>, query: &Query<'_>) -> Page<T> {
    let place = |key: &str| key.replace('/', "\0");
    let mut all: Vec<_> = objects.iter().filter(|(key, _)| key.starts_with(query.prefix)).collect();
    all.sort_by_key(|(key, _)| place(key));
    let after = place(query.after.text());
    let mut rest = all.into_iter().filter(|(key, _)| place(key) > after);
    let shown: Vec<_> = rest.by_ref().take(query.limit).map(|(key, object)| (key.clone(), object.clone())).collect();
    let last = shown.last().map(|(key, _)| Marker::Key(key.clone()));
    Page { objects: shown, prefixes: Vec::new(), next: rest.next().and(last) }
}

fn common_prefix<'a>(key: &'a str, query: &Query<'_>) -> Option<&'a str> {
    let delimiter = query.delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let position = key[query.prefix.len()..].find(delimiter)?;
    Some(&key[..query.prefix.len() + position + delimiter.len()])
}

/// `encoding-type=url` as S3 does it: a space becomes `+`, a slash stays, everything else but letters, digits and `-_.*` is
/// percent-encoded.
pub(crate) fn url_encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            _ => write!(encoded, "%{byte:02X}").expect("invariant: writing to a string does not fail"),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> BTreeMap<String, usize> {
        keys.iter().map(|key| ((*key).to_owned(), key.len())).collect()
    }

    /// All pages of a listing: keys and common prefixes in the order received.
    fn walk(objects: &BTreeMap<String, usize>, prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<String> {
        let mut all = Vec::new();
        let mut after = Marker::Start;
        loop {
            let page = page(objects, &Query { prefix, delimiter, after, limit });
            assert!(page.objects.len() + page.prefixes.len() <= limit);
            assert!(all.len() <= objects.len(), "the listing does not end");
            all.extend(page.objects.into_iter().map(|(key, _)| key).chain(page.prefixes));
            match page.next {
                Some(next) => after = Marker::from_token(&next.to_token()).expect("its own token"),
                None => return all,
            }
        }
    }

    #[test]
    fn every_page_size_shows_the_same() {
        let objects = keys(&["a", "a/", "a/1", "a/2", "a//3", "b", "b/1/x", "b/2/y", "c+d", "\u{10ffff}"]);
        let all: Vec<String> = objects.keys().cloned().collect();
        for limit in 1..12 {
            assert_eq!(walk(&objects, "", None, limit), all);
            let mut rolled_up = walk(&objects, "", Some("/"), limit);
            rolled_up.sort();
            assert_eq!(rolled_up, ["a", "a/", "b", "b/", "c+d", "\u{10ffff}"]);
            assert_eq!(walk(&objects, "b/", Some("/"), limit), ["b/1/", "b/2/"]);
            assert_eq!(walk(&objects, "a/", None, limit), ["a/", "a//3", "a/1", "a/2"]);
        }
    }

    #[test]
    fn start_after_needs_no_existing_key() {
        let objects = keys(&["a", "c", "e"]);
        let after = |key: &str| page(&objects, &Query { prefix: "", delimiter: None, after: Marker::Key(key.into()), limit: 1 });
        assert_eq!(after("b").objects, [("c".to_owned(), 1)]);
        assert_eq!(after("b").next, Some(Marker::Key("c".into())));
        assert_eq!(after("d").next, None);
        assert_eq!(after("e").objects, []);
    }

    #[test]
    fn a_page_limit_of_zero_returns_a_last_page() {
        let page = page(&keys(&["a"]), &Query { prefix: "", delimiter: None, after: Marker::Start, limit: 0 });
        assert_eq!((page.objects.len(), page.next), (0, None));
    }

    #[test]
    fn keys_are_encoded_as_s3_does() {
        assert_eq!(url_encode("a b+c%/d*e~\u{1}ü&"), "a+b%2Bc%25/d*e%7E%01%C3%BC%26");
    }
}
