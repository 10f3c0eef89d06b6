//! Parses the timestamp of an event, in the formats of all senders.

use crate::record::RawJson;
use crate::run::IgnoredEvents;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Parses a time with an offset, or without one as UTC. An unreadable time is counted and treated as missing.
pub(super) fn read(value: Option<RawJson<'_>>, ignored: &mut IgnoredEvents) -> Option<Timestamp> {
    let value = value.filter(|value| !value.is_null())?;
    let time = value.text().ok().flatten().and_then(|text| parse(&text));
    ignored.unreadable_times += u64::from(time.is_none());
    time
}

fn parse(text: &str) -> Option<Timestamp> {
    let naive = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(naive)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> RawJson<'_> {
        RawJson::document(json.as_bytes()).expect("JSON")
    }

    #[test]
    fn a_naive_time_is_utc_and_an_unreadable_one_is_counted() {
        for (text, expected) in [
            ("2024-01-15T10:30:15.123Z", Some("2024-01-15T10:30:15.123Z")),
            ("2026-11-19T18:31:49.398983", Some("2026-11-19T18:31:49.398983Z")),
            ("2024-01-15T10:30:15+02:00", Some("2024-01-15T08:30:15Z")),
            ("not a time", None),
            ("", None),
            ("2024-13-15T10:30:15Z", None),
        ] {
            let mut ignored = IgnoredEvents::default();
            let json = format!("\"{text}\"");
            let read = read(Some(raw(&json)), &mut ignored).map(|time| time.to_string());
            assert_eq!((read.as_deref(), ignored.unreadable_times), (expected, u64::from(expected.is_none())), "{text}");
        }
        let mut ignored = IgnoredEvents::default();
        assert_eq!([read(None, &mut ignored), read(Some(raw("null")), &mut ignored)], [None, None]);
        assert_eq!(ignored.unreadable_times, 0, "missing is not unreadable");
        assert_eq!((read(Some(raw("7")), &mut ignored), ignored.unreadable_times), (None, 1));
    }
}
