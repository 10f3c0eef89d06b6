//! How a server or a producer of events writes keys: the encodings, and the keys that a written text can mean.

use super::{ObjectFacts, ObjectKey, PageCursor};
use std::collections::BTreeSet;

/// A way to write a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyEncoding {
    /// As a form: `+` is a space and `%XX` is a byte. This is S3's own.
    Form,
    /// `%XX` is a byte and `+` is a plus sign.
    Percent,
    /// Not encoded.
    Plain,
}

impl KeyEncoding {
    /// The encodings, the most likely first, of a server that says that it encodes keys, or that does not say so.
    fn by_likelihood(declared: bool) -> [Self; 3] {
        if declared { [Self::Form, Self::Percent, Self::Plain] } else { [Self::Plain, Self::Form, Self::Percent] }
    }

    /// The word in the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Percent => "percent",
            Self::Plain => "plain",
        }
    }

    /// Decodes a text. `None` = a `%` without two hexadecimal digits, or bytes that are not UTF-8.
    pub fn decode(self, written: &str) -> Option<String> {
        if self == Self::Plain {
            return Some(written.to_owned());
        }
        let mut bytes = Vec::with_capacity(written.len());
        let mut rest = written.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            bytes.push(match first {
                b'+' if self == Self::Form => b' ',
                b'%' => {
                    let (digits, after) = rest.split_first_chunk::<2>()?;
                    rest = after;
                    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
                    digit(digits[0])? << 4 | digit(digits[1])?
                }
                plain => plain,
            });
        }
        String::from_utf8(bytes).ok()
    }

    /// The key that a text means, which is not empty. One that cannot be decoded is a key as it is.
    fn read(self, written: &str) -> ObjectKey {
        let key = self.decode(written).unwrap_or_else(|| written.to_owned());
        ObjectKey::new(key).expect("invariant: a text that is not empty decodes to one that is not")
    }
}

/// How a source writes the keys of its listings, as far as lookups have shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEncodings {
    /// True if its listings say that they encode keys.
    pub declared: bool,
    /// The encodings that explain everything seen so far, the most likely first. Not empty.
    pub encodings: Vec<KeyEncoding>,
}

impl KnownEncodings {
    /// The encodings of these words.
    pub fn of_words(declared: bool, words: &str) -> Option<Self> {
        let is_named = |encoding: &KeyEncoding| words.split(' ').any(|word| word == encoding.as_str());
        let encodings: Vec<_> = KeyEncoding::by_likelihood(declared).into_iter().filter(is_named).collect();
        (!encodings.is_empty()).then_some(Self { declared, encodings })
    }

    /// The words of the encodings, for the state.
    pub fn words(&self) -> String {
        self.encodings.iter().map(|encoding| encoding.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The keys of a page of a listing as the server wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenKeys {
    /// True if the page says that it encodes keys.
    pub declared: bool,
    /// The texts, in the order of the page's objects. None is empty.
    pub texts: Vec<String>,
    /// The encodings that can explain the page, the most likely first. Not empty.
    pub encodings: Vec<KeyEncoding>,
}

impl WrittenKeys {
    /// The texts of a page that was requested with this prefix. An encoding explains a page if all its keys have the prefix, and if no two
    /// texts are the same key. `Err` = a key without the prefix.
    pub fn of_page(declared: bool, texts: Vec<String>, prefix: &str) -> Result<Self, ObjectKey> {
        let by_likelihood = KeyEncoding::by_likelihood(declared);
        let outside = |encoding: KeyEncoding| texts.iter().map(|text| encoding.read(text)).find(|key| !key.as_str().starts_with(prefix));
        let mut encodings = by_likelihood.to_vec();
        if texts.iter().any(|text| may_be_encoded(text)) {
            encodings.retain(|encoding| outside(*encoding).is_none());
            let keys = |encoding: KeyEncoding| texts.iter().map(|text| encoding.read(text)).collect::<BTreeSet<_>>().len();
            let written = keys(KeyEncoding::Plain);
            let one_to_one: Vec<_> = encodings.iter().copied().filter(|encoding| keys(*encoding) == written).collect();
            if !one_to_one.is_empty() {
                encodings = one_to_one;
            }
        }
        match outside(encodings.first().copied().unwrap_or(by_likelihood[0])) {
            Some(key) => Err(key),
            None => Ok(Self { declared, texts, encodings }),
        }
    }

    /// The keys by the first of these encodings.
    pub fn keys(&self, encodings: &[KeyEncoding]) -> Vec<ObjectKey> {
        let encoding = encodings.first().copied().unwrap_or(KeyEncoding::by_likelihood(self.declared)[0]);
        self.texts.iter().map(|text| encoding.read(text)).collect()
    }

    /// Gives the objects of the page, and the next page, the keys by the first of these encodings.
    pub fn rename(&self, encodings: &[KeyEncoding], objects: &mut [(ObjectKey, ObjectFacts)], next: &mut Option<PageCursor>) {
        for ((key, _), read) in objects.iter_mut().zip(self.keys(encodings)) {
            *key = read;
        }
        if let (Some(PageCursor::After(after)), Some((last, _))) = (next, objects.last()) {
            after.clone_from(last);
        }
    }

    /// The encodings that can explain the page and everything before it, and false; if there are none, those that explain the page, and true.
    pub fn explained_by(&self, known: Option<&KnownEncodings>) -> (Vec<KeyEncoding>, bool) {
        let Some(known) = known.filter(|known| known.declared == self.declared) else { return (self.encodings.clone(), false) };
        let common: Vec<_> = self.encodings.iter().copied().filter(|encoding| known.encodings.contains(encoding)).collect();
        if common.is_empty() { (self.encodings.clone(), true) } else { (common, false) }
    }

    /// True if the encodings read any text of the page differently.
    pub fn are_ambiguous(&self) -> bool {
        self.texts.iter().any(|text| readings(text, &self.encodings).len() > 1)
    }
}

/// The different keys that a text can mean, in the order of the encodings, each with the encodings that read it so.
pub fn readings(written: &str, encodings: &[KeyEncoding]) -> Vec<(ObjectKey, Vec<KeyEncoding>)> {
    let mut readings: Vec<(ObjectKey, Vec<KeyEncoding>)> = Vec::new();
    if !may_be_encoded(written) {
        return encodings.first().map(|encoding| (encoding.read(written), encodings.to_vec())).into_iter().collect();
    }
    for encoding in encodings {
        let key = encoding.read(written);
        match readings.iter_mut().find(|(other, _)| *other == key) {
            Some((_, by)) => by.push(*encoding),
            None => readings.push((key, vec![*encoding])),
        }
    }
    readings
}

fn may_be_encoded(written: &str) -> bool {
    written.contains(['+', '%'])
}
