//! The row about the spelling of keys in a listing: a store may write them otherwise than it says.

use super::asker::{Asker, NoAnswer};
use super::listing::Sample;
use super::row::ProbeRow;
use crate::record::{Escaped, KeyEncoding, ObjectKey, readings};
use crate::s3::S3ErrorKind;

const NAME: &str = "key_spelling";
/// The maximum number of keys whose readings are looked up.
const MAX_KEYS: usize = 3;
/// All ways to write a key. A text that is a key as it is counts as plain.
const ENCODINGS: [KeyEncoding; 3] = [KeyEncoding::Plain, KeyEncoding::Form, KeyEncoding::Percent];
/// What another spelling costs.
const COST: &str = "the first key that can be read in several ways costs a lookup of each; the state keeps the answer";

/// Asks by HEAD which reading of a key is the object's. Returns the encoding that it found, too.
pub(super) async fn row(asker: &Asker, sample: &Sample) -> (ProbeRow, Option<KeyEncoding>) {
    let keys = sample.entries.len();
    if keys == 0 {
        return (sample.not_seen(NAME, "the bucket shows no key"), None);
    }
    let found = |encoding, written| (found(encoding, written, sample.says_encoded), Some(encoding));
    let texts = || sample.entries.iter().map(|entry| entry.written.as_str());
    if let Some(written) = texts().find(|text| KeyEncoding::Form.decode(text).is_none()) {
        return found(KeyEncoding::Plain, written);
    }
    let mut doubt = format!("no key among the first {keys} has a space, a + or a %");
    let ambiguous = texts().map(|text| (text, readings(text, &ENCODINGS))).filter(|(_, readings)| readings.len() > 1);
    for (written, readings) in ambiguous.take(MAX_KEYS) {
        let among = readings.len();
        match existing(asker, readings).await {
            Ok(encodings) if encodings.len() == 1 => return found(encodings[0], written),
            Ok(encodings) => doubt = format!("{} of the {among} readings of {} exist", encodings.len(), Escaped(written)),
            Err(error) => doubt = error.to_string(),
        }
    }
    // An encoding leaves none of these characters.
    match texts().find(|text| text.contains(|c: char| c == ' ' || !c.is_ascii())) {
        Some(written) => found(KeyEncoding::Plain, written),
        None => (ProbeRow::not_seen(NAME, doubt), None),
    }
}

fn found(encoding: KeyEncoding, written: &str, says_encoded: bool) -> ProbeRow {
    let key = encoding.decode(written).unwrap_or_default();
    let meant = format!("{} is {}", Escaped(written), Escaped(&key));
    match (encoding, says_encoded) {
        (KeyEncoding::Form, true) => ProbeRow::yes(NAME, format!("url-encoded, as the store says: {meant}")),
        (KeyEncoding::Plain, false) => ProbeRow::yes(NAME, format!("as they are, as the store says: {}", Escaped(written))),
        (KeyEncoding::Percent, true) => ProbeRow::no(NAME, format!("encoded, but a + is itself: {meant}"), COST),
        (KeyEncoding::Plain, true) => {
            let words = format!("{} is a key as it is, although the store says that it encodes keys", Escaped(written));
            ProbeRow::no(NAME, words, COST)
        }
        (KeyEncoding::Form | KeyEncoding::Percent, false) => {
            ProbeRow::no(NAME, format!("encoded, although the store does not say so: {meant}"), COST)
        }
    }
}

/// The first encoding of each reading that an object has.
async fn existing(asker: &Asker, readings: Vec<(ObjectKey, Vec<KeyEncoding>)>) -> Result<Vec<KeyEncoding>, NoAnswer> {
    let mut existing = Vec::new();
    for (key, encodings) in readings {
        match asker.head(&key).await {
            Ok(_) => existing.extend(encodings.first()),
            Err(error) if error.is(&S3ErrorKind::NoSuchKey) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(existing)
}
