//! The diff against a naive one over maps, and its rendering.

use super::*;
use crate::record::{ETag, Permissions};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

fn bare(key: &str) -> FileRecord {
    FileRecord::at(ObjectKey::new(key).expect("a key"))
}

fn content(key: &str, etag: &str, size: u64) -> FileRecord {
    FileRecord { etag: ETag::parse(etag), size: Some(size), ..bare(key) }
}

fn permitted(key: &str, permissions: &str) -> FileRecord {
    let mut record = bare(key);
    record.permissions.permissions = Some(permissions.to_owned());
    record
}

fn differences(old: Vec<FileRecord>, new: Vec<FileRecord>) -> Vec<Difference> {
    diff(old.into_iter().map(Ok::<_, Infallible>), new.into_iter().map(Ok)).collect::<Result<_, _>>().expect("sorted")
}

#[test]
fn a_column_that_the_new_side_does_not_know_is_not_compared() {
    let owned = |record: FileRecord, owner: &str| FileRecord {
        permissions: Permissions { owner: Some(owner.to_owned()), ..record.permissions.clone() },
        ..record
    };
    for (old, new, expected) in [
        (content("k", "a", 1), content("k", "a", 1), None),
        (content("k", "a", 1), content("k", "b", 1), Some((true, false))),
        (content("k", "a", 1), content("k", "a", 2), Some((true, false))),
        (content("k", "a", 1), bare("k"), None),
        (content("k", "a", 1), content("k", "", 1), None),
        (content("k", "a", 1), content("k", "", 2), Some((true, false))),
        (content("k", "", 1), content("k", "a", 1), Some((true, false))),
        (bare("k"), content("k", "", 0), Some((true, false))),
        (content("k", "", 1), content("k", "", 1), None),
        (bare("k"), bare("k"), None),
        (permitted("k", "0755"), permitted("k", "755"), Some((false, true))),
        (permitted("k", "NA"), bare("k"), None),
        (bare("k"), permitted("k", "null"), Some((false, true))),
        (owned(bare("k"), "a"), owned(bare("k"), "b"), Some((false, true))),
        (owned(content("k", "a", 1), "a"), owned(content("k", "b", 1), "b"), Some((true, true))),
    ] {
        let found = differences(vec![old.clone()], vec![new.clone()]);
        let (old, new) = (Box::new(old), Box::new(new));
        let expected: Vec<_> =
            expected.map(|(content, permissions)| Difference::Changed { old, new, content, permissions }).into_iter().collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_descriptive_columns_follow_silently() {
    let old = content("k", "a", 1);
    let new = FileRecord {
        file_type: Some("text/plain".into()),
        last_modified: Some(jiff::Timestamp::UNIX_EPOCH),
        internal_id: Some("1".into()),
        storage_class: Some("GLACIER".into()),
        version_id: Some("2".into()),
        ..old.clone()
    };
    assert_eq!(differences(vec![old], vec![new]), []);
}

/// Defect 10: with inferred types, `NA` and `null` disappeared from a diff, `008` equalled `8`, and `0755` equalled `755`.
#[test]
fn defect_10_keys_and_permissions_are_text() {
    let old = ["008", "NA", "null"].map(|key| permitted(key, "0755")).to_vec();
    let new = ["8", "NA", "null"].map(|key| permitted(key, "755")).to_vec();
    let lines: Vec<String> =
        render::human_lines(differences(old, new).into_iter().map(Ok::<_, Infallible>)).collect::<Result<_, _>>().expect("no error");
    assert_eq!(
        lines,
        [
            "- 008",
            "+ 8",
            "~ NA (permissions 0755 → 755)",
            "~ null (permissions 0755 → 755)",
            "1 added, 1 removed, 2 changed (content of 0, permissions of 2)",
        ]
    );
}

#[test]
fn a_side_that_fails_or_is_out_of_order_ends_the_diff() {
    let ok = |key: &str| Ok(bare(key));
    let rows = |keys: &[&str]| -> Vec<Result<FileRecord, String>> { keys.iter().map(|key| ok(key)).collect() };
    let broken = vec![ok("a"), Err("the disk is on fire".to_owned()), ok("c")];
    let end = |old, new| {
        let mut all = diff::<FileRecord, String>(old, new);
        let mut shown = Vec::new();
        for difference in all.by_ref() {
            match difference {
                Ok(difference) => shown.push(difference.key().as_str().to_owned()),
                Err(JoinError::Source(words)) => shown.push(words),
                Err(JoinError::OutOfOrder { side, previous, key }) => shown.push(format!("{side}: {key} after {previous}")),
            }
        }
        assert!(all.next().is_none(), "nothing follows an error");
        shown
    };
    assert_eq!(end(broken.clone(), rows(&["0", "b", "c"])), ["0", "a", "the disk is on fire"]);
    assert_eq!(end(rows(&["b"]), broken), ["a", "the disk is on fire"]);
    assert_eq!(end(rows(&["a", "c", "b"]), rows(&["d"])), ["a", "c", "left: b after c"]);
    assert_eq!(end(rows(&["a"]), rows(&["b", "b"])), ["a", "b", "right: b after b"]);
}

#[test]
fn lines_for_people() {
    let changed = |name: &str| [content(name, "", 1), content(name, "e", 1)];
    let [unknown_before, known_now] = changed("c");
    let mut both_before = content("d\n", "a", 1);
    let mut both_now = content("d\n", "b", 1);
    both_before.permissions.owner = Some("ro\u{1b}ot".to_owned());
    both_now.permissions = Permissions { permissions: Some("0644".into()), owner: Some("me".into()), group: None };
    let found = differences(vec![bare("a"), unknown_before, both_before], vec![bare("b"), known_now, both_now]);
    let lines: Vec<_> = render::human_lines(found.into_iter().map(Ok::<_, Infallible>)).map(|line| line.expect("no error")).collect();
    assert_eq!(
        lines,
        [
            "- a",
            "+ b",
            "~ c (content, unknown before)",
            "~ d\\u{a} (content, permissions 0644, unknown before, owner ro\\u{1b}ot → me)",
            "1 added, 1 removed, 2 changed (content of 2, permissions of 1)",
        ]
    );
    let nothing: Vec<_> = render::human_lines(Vec::<Result<Difference, ()>>::new()).collect();
    assert_eq!(nothing, [Ok("no differences".to_owned())]);
}

#[test]
fn lines_for_programs() {
    let found = differences(vec![bare("a"), content("c", "x", 1)], vec![bare("b\u{9b}2J"), content("c", "y", 1)]);
    let lines: Vec<_> = render::json_lines(found.into_iter().map(Ok::<_, Infallible>)).map(|line| line.expect("no error")).collect();
    let record = |etag: &str, size: &str| {
        format!(
            r#"{{"permissions":null,"size":{size},"file_type":null,"last_modified":null,"internal_id":null,"etag":{etag},"storage_class":null,"version_id":null,"owner":null,"group":null}}"#
        )
    };
    let (none, x, y) = (record("null", "null"), record("\"x\"", "1"), record("\"y\"", "1"));
    assert_eq!(
        lines,
        [
            format!(r#"{{"kind":"removed","file_path":"a","old":{none}}}"#),
            format!(r#"{{"kind":"added","file_path":"b\u009b2J","new":{none}}}"#),
            format!(r#"{{"kind":"changed","file_path":"c","content":true,"permissions":false,"old":{x},"new":{y}}}"#),
            r#"{"kind":"summary","added":1,"removed":1,"changed":1,"content_changed":1,"permissions_changed":0}"#.to_owned(),
        ]
    );
}

#[test]
fn a_diff_that_ended_early_is_not_summed_up() {
    let cut = vec![Ok(Difference::Added(bare("a"))), Err("cut")];
    assert_eq!(render::human_lines(cut).collect::<Vec<_>>(), [Ok("+ a".to_owned()), Err("cut")]);
}

#[test]
fn any_two_sorted_sides_can_be_joined() {
    let listed = [(2, "two"), (3, "three")].map(Ok::<_, Infallible>);
    let applied = [1, 2, 4].map(Ok);
    let joined: Vec<_> = outer_join(listed, applied, |row| &row.0, |row| row).map(|row| row.expect("sorted")).collect();
    assert_eq!(joined, [Joined::Right(1), Joined::Both((2, "two"), 2), Joined::Left((3, "three")), Joined::Right(4)]);
}

/// Few keys and few values, so that both sides often share them.
fn side() -> impl Strategy<Value = BTreeMap<String, FileRecord>> {
    let key = vec(select(vec!['a', 'Z', '/', '\u{ffff}', '\u{10000}', '\0']), 1..3).prop_map(String::from_iter);
    let text = || option::of(select(vec!["0755", "755", "NA"]).prop_map(str::to_owned));
    let record = (option::of(0..2_u64), text(), text(), text(), text()).prop_map(|(size, etag, permissions, owner, group)| FileRecord {
        size,
        etag: etag.as_deref().and_then(ETag::parse),
        permissions: Permissions { permissions, owner, group },
        ..bare("replaced below")
    });
    btree_map(key, record, 0..12).prop_map(|rows| {
        rows.into_iter()
            .map(|(key, record)| (key.clone(), FileRecord { file_path: ObjectKey::new(key).expect("not empty"), ..record }))
            .collect()
    })
}

/// The expected result, by lookups in two maps. The rule is written in another form: overlay the new row on the old one and
/// compare.
fn naive(old: &BTreeMap<String, FileRecord>, new: &BTreeMap<String, FileRecord>) -> Vec<Difference> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = |old: &FileRecord, new: &FileRecord| {
        let content = (new.etag.clone().or(old.etag.clone()), new.size.or(old.size)) != (old.etag.clone(), old.size);
        let (was, is) = (old.permissions.clone(), new.permissions.clone());
        let overlaid = Permissions {
            permissions: is.permissions.or(was.permissions.clone()),
            owner: is.owner.or(was.owner.clone()),
            group: is.group.or(was.group.clone()),
        };
        let permissions = overlaid != was;
        (content || permissions).then(|| Difference::Changed {
            old: Box::new(old.clone()),
            new: Box::new(new.clone()),
            content,
            permissions,
        })
    };
    keys.into_iter()
        .filter_map(|key| match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) => changed(old, new),
            (Some(old), None) => Some(Difference::Removed(old.clone())),
            (None, Some(new)) => Some(Difference::Added(new.clone())),
            (None, None) => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn a_diff_equals_the_comparison_of_two_maps(old in side(), new in side()) {
        let expected = naive(&old, &new);
        prop_assert_eq!(differences(old.into_values().collect(), new.into_values().collect()), expected);
    }
}
