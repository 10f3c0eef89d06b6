//! Archived objects: when they are readable, and their `x-amz-restore` header. Tests order the restore.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The restore of an archived object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restore {
    /// Requested, not finished.
    Ongoing,
    /// A copy is readable until then (not enforced: the copy stays).
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
