//! Tests of the round trip: every field, and every byte, is read as it was written.

use super::*;
use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn the_bytes_of_a_snapshot() {
    let full = FileRecord {
        permissions: Permissions { permissions: Some("0755".into()), owner: Some("o,wner".into()), group: Some(" staff ".into()) },
        size: Some(u64::MAX),
        file_type: Some("text/plain; charset=\"utf-8\"".into()),
        last_modified: Some("2026-11-21T14:52:00.25+01:00".parse().expect("a time")),
        internal_id: Some("008".into()),
        etag: etag("ab-2"),
        storage_class: Some("STANDARD".into()),
        version_id: Some("null".into()),
        ..bare("=1+1")
    };
    let bytes = written(&[full, bare("a\r\nb"), bare("\u{e9}")]).expect("written");
    let expected = "file_path,permissions,size,file_type,last_modified,internal_id,etag,storage_class,version_id,owner,group\r\n\
        =1+1,0755,18446744073709551615,\"text/plain; charset=\"\"utf-8\"\"\",2026-11-21T13:52:00.25Z,008,ab-2,STANDARD,null,\"o,wner\", staff \r\n\
        \"a\r\nb\",,,,,,,,,,\r\n\
        \u{e9},,,,,,,,,,\r\n";
    assert_eq!(String::from_utf8(bytes).expect("UTF-8"), expected);
}

#[test]
fn an_empty_snapshot_has_a_header_and_no_rows() {
    let bytes = written(&[]).expect("written");
    assert_eq!(bytes, format!("{}\r\n", COLUMNS.join(",")).into_bytes());
    assert_eq!(read(&bytes).expect("read"), []);
}

#[test]
fn every_hostile_key_is_read_back_in_byte_order() {
    let mut keys: Vec<String> = serde_json::from_str(include_str!("../../../tests/fixtures/hostile-keys.json")).expect("a list of keys");
    keys.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    assert!(keys.len() > 80);
    let records: Vec<FileRecord> = keys.iter().map(|key| bare(key)).collect();
    let back = read(&written(&records).expect("written")).expect("read");
    assert_eq!(back.iter().map(|record| record.file_path.as_str()).collect::<Vec<_>>(), keys);
}

/// Defect 10: types were inferred, so `NA` and `null` disappeared, `008` became `8`, and `0755` equalled `755`.
#[test]
fn defect_10_text_that_resembles_another_type_stays_text() {
    let texts = ["0", "008", "0755", "1e5", "755", "NA", "NaN", "None", "TRUE", "nan", "null"];
    let records: Vec<FileRecord> = texts
        .iter()
        .map(|&text| FileRecord {
            permissions: Permissions { permissions: Some(text.into()), owner: Some(text.into()), group: Some(text.into()) },
            file_type: Some(text.into()),
            internal_id: Some(text.into()),
            etag: etag(text),
            storage_class: Some(text.into()),
            version_id: Some(text.into()),
            ..bare(text)
        })
        .collect();
    assert_eq!(read(&written(&records).expect("written")).expect("read"), records);
}

#[test]
fn a_file_of_another_program_is_read() {
    let record = |key: &str, size| FileRecord { size: Some(size), ..bare(key) };
    let time = Some("2024-01-15T10:30:15.123Z".parse().expect("a time"));
    let six = "file_path,permissions,size,file_type,last_modified,internal_id";
    for (what, bytes, expected) in [
        ("six columns", format!("{six}\na,,1,,,\nb,,2,,,\n"), vec![record("a", 1), record("b", 2)]),
        ("a byte order mark", format!("\u{feff}{six}\na,,1,,,\n"), vec![record("a", 1)]),
        ("no last line end", format!("{six}\r\na,,1,,,"), vec![record("a", 1)]),
        ("old line ends", format!("{six}\ra,,1,,,\r"), vec![record("a", 1)]),
        ("a naive time", format!("{six}\na,,1,,2024-01-15T10:30:15.123,\n"), vec![FileRecord { last_modified: time, ..record("a", 1) }]),
        ("an offset", format!("{six}\na,,1,,2024-01-15 12:30:15.123+02:00,\n"), vec![FileRecord { last_modified: time, ..record("a", 1) }]),
        (
            "ours in another order among unknown ones",
            format!("{six},colour,group,etag,\na,,1,,,,red,g,\"\"\"e\"\"\",x\n"),
            vec![FileRecord {
                permissions: Permissions { group: Some("g".into()), ..Permissions::default() },
                etag: etag("\"e\""),
                ..record("a", 1)
            }],
        ),
    ] {
        assert_eq!(read(bytes.as_bytes()).expect(what), expected, "{what}");
    }
}

/// Text of characters that are special in CSV, spreadsheets, type inference, terminals or line readers.
pub(super) fn hostile_text() -> impl Strategy<Value = String> {
    let significant = select(vec![
        "\"",
        "\"\"",
        ",",
        ";",
        "\r",
        "\n",
        "\r\n",
        "\0",
        " ",
        "\t",
        "'",
        "\\",
        "=1+1",
        "@",
        "+",
        "-",
        "008",
        "NA",
        "null",
        "0755",
        "W/",
        "\u{feff}",
        "\u{2028}",
        "\u{85}",
        "\u{1b}[2J",
        "#",
    ]);
    let piece = prop_oneof![2 => significant.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(), 0..1_000_000_000)
        .prop_filter_map("a time", |(second, nanosecond)| Timestamp::new(second, nanosecond).ok())
}

pub(super) fn record() -> impl Strategy<Value = FileRecord> {
    let text = || option::of(hostile_text());
    let permissions = (text(), text(), text()).prop_map(|(permissions, owner, group)| Permissions { permissions, owner, group });
    (permissions, option::of(any::<u64>()), text(), option::of(time()), text(), text(), text(), text()).prop_map(
        |(permissions, size, file_type, last_modified, internal_id, tag, storage_class, version_id)| FileRecord {
            permissions,
            size,
            file_type,
            last_modified,
            internal_id,
            etag: tag.as_deref().and_then(etag),
            storage_class,
            version_id,
            ..bare("replaced by the property")
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(rows in btree_map(hostile_text(), record(), 0..20)) {
        let records = named(rows);
        prop_assert_eq!(read(&written(&records).expect("written")).expect("read"), records);
    }
}
