//! Cron expressions: text → an expression that the scheduler accepts. The daemon computes when it fires.

use croner::parser::{CronParser, Seconds, Year};

/// A cron expression of six fields, the first one for seconds, in the syntax of `croner` and so of `tokio-cron-scheduler`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron(String);

impl Cron {
    /// Parses an expression; `None` = not a cron expression.
    pub fn of(text: &str) -> Option<Self> {
        cron(text)
    }

    /// The expression.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A schedule, or `off`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CronOrOff {
    Off,
    At(Cron),
}

impl CronOrOff {
    pub(super) fn cron(self) -> Option<Cron> {
        match self {
            Self::Off => None,
            Self::At(cron) => Some(cron),
        }
    }
}

/// Five fields, as in cron itself, begin with minutes and mean the first second of the minute.
pub(super) fn cron(raw: &str) -> Option<Cron> {
    let fields: Vec<_> = raw.split_whitespace().collect();
    let text = if fields.len() == 5 { format!("0 {}", fields.join(" ")) } else { fields.join(" ") };
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).dom_and_dow(true).build();
    parser.parse(&text).ok().map(|_| Cron(text))
}

pub(super) fn cron_or_off(raw: &str) -> Option<CronOrOff> {
    if raw.trim().eq_ignore_ascii_case("off") { Some(CronOrOff::Off) } else { cron(raw).map(CronOrOff::At) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cron_expression_has_six_fields_or_the_five_of_cron() {
        let text = |raw: &str| cron(raw).map(|cron| cron.as_str().to_owned());
        for (raw, expected) in [
            ("0 */5 * * * *", Some("0 */5 * * * *")),
            (" 30  3 * * Mon-Fri ", Some("0 30 3 * * Mon-Fri")),
            ("0 0 3 * * *", Some("0 0 3 * * *")),
            ("every day", None),
            ("0 60 * * * *", None),
            ("* * * *", None),
            ("0 0 3 * * * 2030", None),
            ("0 0 3 é * *", None),
            ("", None),
        ] {
            assert_eq!(text(raw).as_deref(), expected, "{raw:?}");
        }
        assert_eq!(cron_or_off("Off"), Some(CronOrOff::Off));
        assert_eq!(cron_or_off("never"), None);
    }
}
