//! The decision table, row by row.

use super::*;
use crate::record::{Applied, ETag, FileRecord, ObjectFacts, ObservationSeq, Observed};

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn facts(etag: Option<&str>, size: u64) -> ObjectFacts {
    ObjectFacts { size, etag: etag.and_then(ETag::parse), last_modified: None, storage_class: None, version_id: None }
}

fn there(etag: Option<&str>, size: u64) -> Observed {
    Observed { facts: Some(facts(etag, size)), seq: ObservationSeq(1) }
}

fn gone() -> Observed {
    Observed { facts: None, seq: ObservationSeq(1) }
}

fn held(etag: &str, size: u64, confirmed: bool) -> Applied {
    let file = FileRecord { size: Some(size), etag: ETag::parse(etag), ..FileRecord::at(key("a")) };
    Applied { file, confirmed }
}

fn planned(effect: Effect, content: Option<(&str, u64)>) -> Planned {
    Planned {
        effect,
        content: content.and_then(|(etag, size)| Some(Fingerprint { etag: ETag::parse(etag)?, size })),
        permissions: Permissions::default(),
    }
}

#[test]
fn the_table() {
    use Effect::{Create, Delete, Update};
    let bound = Policy { max_file_bytes: Some(10), ..Policy::default() };
    let cases = [
        ("never observed", "a", Some(held("x", 1, true)), None, Verdict::Nothing),
        ("new", "a", None, Some(there(Some("x"), 1)), Verdict::Do(planned(Create, Some(("x", 1))))),
        ("new, no ETag", "a", None, Some(there(None, 1)), Verdict::Do(planned(Create, None))),
        ("new, at the bound", "a", None, Some(there(Some("x"), 10)), Verdict::Do(planned(Create, Some(("x", 10))))),
        ("new, too large", "a", None, Some(there(Some("x"), 11)), Verdict::Skip(SkipReason::TooLarge)),
        ("never there", "a", None, Some(gone()), Verdict::Nothing),
        ("marker", "a/", None, Some(there(Some("x"), 0)), Verdict::Nothing),
        ("a file that ends in a slash", "a/", None, Some(there(Some("x"), 1)), Verdict::Do(planned(Create, Some(("x", 1))))),
        ("same", "a", Some(held("x", 1, true)), Some(there(Some("x"), 1)), Verdict::Nothing),
        ("same and too large", "a", Some(held("x", 11, true)), Some(there(Some("x"), 11)), Verdict::Nothing),
        ("other ETag", "a", Some(held("x", 1, true)), Some(there(Some("y"), 1)), Verdict::Do(planned(Update, Some(("y", 1))))),
        ("other size", "a", Some(held("x", 1, true)), Some(there(Some("x"), 2)), Verdict::Do(planned(Update, Some(("x", 2))))),
        ("grown too large", "a", Some(held("x", 1, true)), Some(there(Some("y"), 11)), Verdict::TooLarge),
        ("no ETag in the listing", "a", Some(held("x", 1, true)), Some(there(None, 1)), Verdict::Look),
        ("unconfirmed, no ETag in the listing", "a", Some(held("x", 1, false)), Some(there(None, 1)), Verdict::Look),
        ("unconfirmed", "a", Some(held("x", 1, false)), Some(there(Some("x"), 1)), Verdict::Confirm(planned(Update, Some(("x", 1))))),
        ("gone", "a", Some(held("x", 1, true)), Some(gone()), Verdict::Do(planned(Delete, None))),
        ("unconfirmed, gone", "a", Some(held("x", 1, false)), Some(gone()), Verdict::Do(planned(Delete, None))),
        ("became a marker", "a/", Some(held("x", 1, true)), Some(there(Some("y"), 0)), Verdict::Do(planned(Delete, None))),
    ];
    for (name, path, applied, observed, expected) in cases {
        let sides = PathState { applied, observed, ..PathState::default() };
        assert_eq!(decide(&key(path), &sides, bound), expected, "{name}");
    }
}

#[test]
fn an_open_effect_is_still_planned_while_the_same_content_would_be_sent() {
    use Effect::{Create, Delete, Update};
    let x = Some(("x", 1));
    for (name, open, verdict, expected) in [
        ("create, still new", planned(Create, x), Verdict::Do(planned(Create, x)), true),
        ("create, replaced", planned(Create, x), Verdict::Do(planned(Create, Some(("y", 1)))), false),
        ("create, gone", planned(Create, x), Verdict::Nothing, false),
        ("update, unconfirmed", planned(Update, x), Verdict::Confirm(planned(Update, x)), true),
        ("create of unknown content", planned(Create, None), Verdict::Do(planned(Create, None)), false),
        ("delete, still gone", planned(Delete, None), Verdict::Do(planned(Delete, None)), true),
        ("delete, back again", planned(Delete, None), Verdict::Nothing, false),
        ("delete, back with other content", planned(Delete, None), Verdict::Do(planned(Update, x)), false),
        ("create, now to be deleted", planned(Create, x), Verdict::Do(planned(Delete, None)), false),
    ] {
        assert_eq!(is_still_planned(&open, &verdict), expected, "{name}");
    }
}

fn mode(value: &str) -> Permissions {
    Permissions { permissions: Some(value.to_owned()), ..Permissions::default() }
}

#[test]
fn permissions_are_planned_separately_from_content() {
    use Effect::{Create, SetPermissions, Update};
    let with = |permissions: &str, confirmed| {
        let mut row = held("x", 1, confirmed);
        row.file.permissions = mode(permissions);
        Some(row)
    };
    let set = Planned { permissions: mode("rw"), ..planned(SetPermissions, None) };
    for (name, applied, etag, expected) in [
        ("the same", with("rw", true), "x", Verdict::Nothing),
        ("others", with("r", true), "x", Verdict::Do(set)),
        ("others, and other content: one after the other", with("r", true), "y", Verdict::Do(planned(Update, Some(("y", 1))))),
        ("new", None, "x", Verdict::Do(Planned { permissions: mode("rw"), ..planned(Create, Some(("x", 1))) })),
        (
            "nothing certain",
            with("rw", false),
            "x",
            Verdict::Confirm(Planned { permissions: mode("rw"), ..planned(Update, Some(("x", 1))) }),
        ),
    ] {
        let sides = PathState { applied, observed: Some(there(Some(etag), 1)), wanted: mode("rw") };
        assert_eq!(decide(&key("a"), &sides, Policy::default()), expected, "{name}");
    }
}

/// Origin and target; whether the origin's row is confirmed; the ETags of origin and target in the bucket; whether the sink has
/// the target, and whether that file is itself to be moved.
type Case = ((&'static str, &'static str), bool, (Option<&'static str>, Option<&'static str>), (bool, bool));

#[test]
fn the_table_of_moves() {
    let cases: [(&str, Case, MoveVerdict); 11] = [
        ("gone and there", (("d/a", "d/b"), true, (None, Some("x")), (false, false)), MoveVerdict::Go(Effect::Rename)),
        ("another directory", (("d/a", "e/a"), true, (None, Some("x")), (false, false)), MoveVerdict::Go(Effect::Move)),
        ("no directory at all", (("a", "b"), true, (None, Some("x")), (false, false)), MoveVerdict::Go(Effect::Rename)),
        ("other content there", (("a", "b"), true, (None, Some("y")), (false, false)), MoveVerdict::Go(Effect::Rename)),
        ("replaced at the origin", (("a", "b"), true, (Some("z"), Some("x")), (false, false)), MoveVerdict::Go(Effect::Rename)),
        ("a copy", (("a", "b"), true, (Some("x"), Some("x")), (false, false)), MoveVerdict::NotAMove),
        ("both gone", (("a", "b"), true, (None, None), (false, false)), MoveVerdict::NotAMove),
        ("nothing certain", (("a", "b"), false, (None, Some("x")), (false, false)), MoveVerdict::NotAMove),
        ("a living file in the way", (("a", "b"), true, (None, Some("x")), (true, false)), MoveVerdict::NotAMove),
        ("a leaving file in the way", (("a", "b"), true, (None, Some("x")), (true, true)), MoveVerdict::Wait),
        ("a copy, whatever is in the way", (("a", "b"), true, (Some("x"), Some("x")), (true, true)), MoveVerdict::NotAMove),
    ];
    for (name, ((from, to), confirmed, (origin, target), (taken, target_is_leaving)), expected) in cases {
        let seen = |etag: Option<&str>| Some(etag.map_or_else(gone, |etag| there(Some(etag), 1)));
        let moving = Moving {
            origin: (key(from), PathState { applied: Some(held("x", 1, confirmed)), observed: seen(origin), ..PathState::default() }),
            target: (key(to), PathState { applied: taken.then(|| held("t", 1, true)), observed: seen(target), ..PathState::default() }),
            reported: true,
            target_is_leaving,
            in_doubt: false,
        };
        assert_eq!(decide_move(&moving, Policy::default()), expected, "{name}");
        assert_eq!(decide_move(&Moving { in_doubt: true, ..moving }, Policy::default()), MoveVerdict::NotAMove, "{name}, in doubt");
    }
}

#[test]
fn a_sink_moves_what_it_can_move_and_has_permissions_if_it_keeps_any() {
    let moving = |to: &str, reported| Moving {
        origin: (key("d/a"), PathState { applied: Some(held("x", 1, true)), observed: Some(gone()), ..PathState::default() }),
        target: (key(to), PathState { observed: Some(there(Some("x"), 1)), ..PathState::default() }),
        reported,
        target_is_leaving: false,
        in_doubt: false,
    };
    for (renames, to, reported, expected) in [
        (Renames::None, "d/b", true, MoveVerdict::NotAMove),
        (Renames::SameDirectory, "d/b", true, MoveVerdict::Go(Effect::Rename)),
        (Renames::SameDirectory, "d/b", false, MoveVerdict::Go(Effect::Rename)),
        (Renames::SameDirectory, "e/b", true, MoveVerdict::NotAMove),
        (Renames::Any, "e/b", true, MoveVerdict::Go(Effect::Move)),
        (Renames::Any, "d/b", false, MoveVerdict::Go(Effect::Move)),
    ] {
        let policy = Policy { renames, ..Policy::default() };
        assert_eq!(decide_move(&moving(to, reported), policy), expected, "{renames:?}, to {to}");
    }
    let wanted = Permissions { permissions: Some("rw".to_owned()), ..Permissions::default() };
    let policy = Policy { permissions: PermissionSupport::None, ..Policy::default() };
    for (applied, expected) in [
        (None, Verdict::Do(planned(Effect::Create, Some(("x", 1))))),
        (Some(held("x", 1, true)), Verdict::Nothing),
        (Some(held("x", 1, false)), Verdict::Confirm(planned(Effect::Update, Some(("x", 1))))),
    ] {
        let sides = PathState { applied, observed: Some(there(Some("x"), 1)), wanted: wanted.clone() };
        assert_eq!(decide(&key("a"), &sides, policy), expected);
    }
}
