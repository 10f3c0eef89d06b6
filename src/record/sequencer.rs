//! The sequencer of S3 events: the order of the events of one key on one channel.

/// A sequencer in comparable form: of two, the greater one is later.
///
/// S3 compares two sequencers as hexadecimal text and pads the shorter one with zeros on the right. Text without trailing zeros has the
/// same order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequencer(String);

impl Sequencer {
    const MAX_CHARS: usize = 64;

    /// Parses a sequencer; `None` = the text is empty, too long or not hexadecimal.
    pub fn parse(raw: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_CHARS).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(raw.trim_end_matches('0').to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn sequencers_are_ordered_as_s3_defines() {
        let fixture: serde_json::Value = serde_json::from_str(include_str!("../../tests/fixtures/sequencer.json")).expect("JSON");
        let texts = |name: &str| serde_json::from_value::<Vec<(String, String)>>(fixture[name].clone()).expect("pairs");
        let parse = |raw: &str| Sequencer::parse(raw).expect("orderable");
        let expected = [("later_then_earlier", Ordering::Greater), ("equal", Ordering::Equal)];
        let mut checked = 0;
        for (name, order) in expected {
            for (one, other) in texts(name) {
                assert_eq!(parse(&one).cmp(&parse(&other)), order, "{one} {other}");
                assert_eq!(parse(&other).cmp(&parse(&one)), order.reverse(), "{other} {one}");
                checked += 1;
            }
        }
        for raw in serde_json::from_value::<Vec<String>>(fixture["not_orderable"].clone()).expect("texts") {
            assert_eq!(Sequencer::parse(&raw), None, "{raw:?}");
            checked += 1;
        }
        assert_eq!(checked, 13);
    }
}
