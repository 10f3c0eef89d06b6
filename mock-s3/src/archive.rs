//! Whether an archived object may be read, and what `x-amz-restore` says about it. Restoring itself is ordered by tests.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How far the restore of an archived object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restore {
    /// Asked for, not there yet.
    Ongoing,
    /// A copy may be read until then (which nobody checks: the copy stays).
    Until(Timestamp),
}

impl Restore {
    /// The value of `x-amz-restore`.
    pub(crate) fn header(self) -> String {
        match self {
            Self::Ongoing => r#"ongoing-request="true""#.into(),
            Self::Until(expiry) => {
                let expiry = expiry.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT");
                format!(r#"ongoing-request="false", expiry-date="{expiry}""#)
            }
        }
    }
}

pub(crate) fn is_readable(storage_class: &str, restore: Option<Restore>) -> bool {
    !matches!(storage_class, "GLACIER" | "DEEP_ARCHIVE") || matches!(restore, Some(Restore::Until(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_one_of_the_s3_manual() {
        let expiry = "2012-12-21T00:00:00Z".parse().expect("a timestamp");
        assert_eq!(Restore::Until(expiry).header(), r#"ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT""#);
        assert_eq!(Restore::Ongoing.header(), r#"ongoing-request="true""#);
    }

    #[test]
    fn only_archive_classes_need_a_restore() {
        assert!(is_readable("STANDARD", None));
        assert!(is_readable("GLACIER_IR", None));
        assert!(!is_readable("GLACIER", None));
        assert!(!is_readable("DEEP_ARCHIVE", Some(Restore::Ongoing)));
        assert!(is_readable("GLACIER", Some(Restore::Until(Timestamp::UNIX_EPOCH))));
    }
}
