//! The reported permissions of a path: each field with the time of its event. Pure.

use super::{ObservationSeq, Permissions};
use crate::mutant;
use jiff::Timestamp;

/// One field, as last reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedField {
    /// The reported value.
    pub value: String,
    /// The event's time, or the time of receipt if the event has no time or one in the future.
    pub at: Timestamp,
    /// The number of the newest observation when the event was received. Observations with a greater number began later.
    pub seq: ObservationSeq,
}

/// The reported permissions of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPermissions {
    /// The mode.
    pub permissions: Option<ReportedField>,
    /// The owning user.
    pub owner: Option<ReportedField>,
    /// The owning group.
    pub group: Option<ReportedField>,
}

/// The bound up to which the reported fields of a path are outdated, because they concern a deleted file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outdated {
    /// Fields with a time up to this one are outdated: the time of a delete event.
    pub until: Option<Timestamp>,
    /// Fields received before this observation are outdated: it found the file gone.
    pub before: Option<ObservationSeq>,
}

impl Outdated {
    /// True if the field is outdated.
    pub fn covers(self, field: &ReportedField) -> bool {
        self.until.is_some_and(|until| field.at <= until) || self.before.is_some_and(|seq| field.seq < seq)
    }

    /// The later one of both bounds.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { until: self.until.max(other.until), before: self.before.max(other.before) }
    }
}

impl EventPermissions {
    /// The permissions that a sink should have.
    pub fn wanted(&self) -> Permissions {
        let value = |field: &Option<ReportedField>| field.as_ref().map(|field| field.value.clone());
        Permissions { permissions: value(&self.permissions), owner: value(&self.owner), group: value(&self.group) }
    }

    /// Records the permissions that an event reported. The value with the later time counts; of equal times, the one that arrived later.
    pub fn record_reported(&mut self, told: &Permissions, at: Timestamp, seq: ObservationSeq) {
        let fields = [(&mut self.permissions, &told.permissions), (&mut self.owner, &told.owner), (&mut self.group, &told.group)];
        for (field, value) in fields {
            if let Some(value) = value
                && field.as_ref().is_none_or(|known| known.at <= at || mutant::is("the_earlier_telling_wins"))
            {
                *field = Some(ReportedField { value: value.clone(), at, seq });
            }
        }
    }

    /// Takes over the fields of the path from which this one was renamed, up to the time of the rename. A later field of this path stays.
    pub fn inherit(&mut self, origin: &Self, until: Timestamp) {
        for (field, inherited) in self.fields_mut().into_iter().zip([&origin.permissions, &origin.owner, &origin.group]) {
            if let Some(inherited) = inherited.as_ref().filter(|inherited| inherited.at <= until)
                && field.as_ref().is_none_or(|known| known.at < inherited.at)
            {
                *field = Some(inherited.clone());
            }
        }
    }

    /// True if no field is set.
    pub fn is_empty(&self) -> bool {
        self.permissions.is_none() && self.owner.is_none() && self.group.is_none()
    }

    /// Keeps the fields that `keep` accepts.
    pub fn retain(&mut self, keep: impl Fn(&ReportedField) -> bool) {
        self.fields_mut().into_iter().for_each(|field| drop(field.take_if(|field| !keep(field))));
    }

    fn fields_mut(&mut self) -> [&mut Option<ReportedField>; 3] {
        [&mut self.permissions, &mut self.owner, &mut self.group]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn mode(value: &str) -> Permissions {
        Permissions { permissions: Some(value.to_owned()), ..Permissions::default() }
    }

    fn reported(value: &str, second: i64, seq: u64) -> EventPermissions {
        let mut reported = EventPermissions::default();
        reported.record_reported(&mode(value), at(second), ObservationSeq(seq));
        reported
    }

    #[test]
    fn the_later_time_wins_and_of_equal_times_the_later_arrival() {
        for (second, expected) in [(4, "old"), (5, "new"), (6, "new")] {
            let mut known = reported("old", 5, 1);
            known.record_reported(&mode("new"), at(second), ObservationSeq(2));
            assert_eq!(known.wanted(), mode(expected), "at {second}");
        }
    }

    #[test]
    fn each_field_has_its_own_time() {
        let mut known = reported("rw", 5, 1);
        known.record_reported(&Permissions { owner: Some("ann".to_owned()), ..mode("older") }, at(3), ObservationSeq(2));
        assert_eq!(known.wanted(), Permissions { owner: Some("ann".to_owned()), ..mode("rw") });
    }

    #[test]
    fn permissions_reported_before_a_rename_follow_the_file() {
        for (second, expected) in [(5, Some("origin")), (6, None)] {
            let mut target = EventPermissions::default();
            target.inherit(&reported("origin", second, 1), at(5));
            assert_eq!(target.wanted().permissions.as_deref(), expected);
        }
        let mut target = reported("own", 7, 1);
        target.inherit(&reported("origin", 5, 1), at(6));
        assert_eq!(target.wanted(), mode("own"), "what was reported for the new name since");
    }

    #[test]
    fn permissions_reported_before_a_delete_are_outdated() {
        for (gone, left) in [(4, true), (5, false)] {
            let mut known = reported("rw", 5, 3);
            known.retain(|field| !Outdated { until: Some(at(gone)), before: None }.covers(field));
            assert_eq!(!known.wanted().is_empty(), left, "gone at {gone}");
        }
        for (seq, left) in [(3, true), (4, false)] {
            let mut known = reported("rw", 5, 3);
            known.retain(|field| !Outdated { until: None, before: Some(ObservationSeq(seq)) }.covers(field));
            assert_eq!(!known.wanted().is_empty(), left, "found gone by observation {seq}");
        }
    }
}
