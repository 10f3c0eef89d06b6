//! Splits bytes into rows and writes rows as bytes; compared with the `csv` crate's own reader and writer.

use super::super::read::Blocks;
use super::super::split::Splitter;
use super::round_trip::{hostile_text, record};
use super::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

type Rows = Vec<Vec<Vec<u8>>>;

fn split(bytes: &[u8]) -> Result<Rows, SnapshotProblem> {
    let (mut splitter, mut rest, mut rows) = (Splitter::new(), bytes, Vec::new());
    while splitter.split(&mut rest)? || splitter.finish()? {
        rows.push(splitter.fields().iter().map(<[u8]>::to_vec).collect());
    }
    Ok(rows)
}

fn split_by_the_judge(bytes: &[u8]) -> Rows {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    reader.into_byte_records().map(|row| row.expect("memory can be read").iter().map(<[u8]>::to_vec).collect()).collect()
}

/// Mostly characters that are special in CSV.
fn significant_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec!["a", "bc", "é", "\"", "\"", "\"\"", ",", ",", "\n", "\r\n", "\r", "\"x\"", "\"x\"\"y\","]);
    vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

#[test]
fn unpaired_quotes_are_refused() {
    for (text, expected) in [
        ("\"a\"\"b\",\"c\"d,e\"f\"\n", Ok(vec![vec!["a\"b", "cd", "e\"f\""]])),
        ("a\"b\n", Err(SnapshotProblem::OddQuotes)),
        ("x\n\"a\"b\",c", Err(SnapshotProblem::OddQuotes)),
        ("\"a\n", Err(SnapshotProblem::OpenQuote)),
        ("\"a\"\"\n", Err(SnapshotProblem::OpenQuote)),
    ] {
        let rows =
            |rows: Vec<Vec<&str>>| rows.into_iter().map(|row| row.into_iter().map(|field| field.as_bytes().to_vec()).collect()).collect();
        assert_eq!(split(text.as_bytes()), expected.map(rows), "{text:?}");
    }
}

proptest! {
    #[test]
    fn bytes_are_split_as_the_csv_crate_splits_them(bytes in significant_bytes()) {
        match split(&bytes) {
            Ok(rows) => prop_assert_eq!(rows, split_by_the_judge(&bytes)),
            Err(SnapshotProblem::OddQuotes | SnapshotProblem::OpenQuote) => prop_assert!(bytes.contains(&b'"')),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    /// A part of a row is never returned as a whole row.
    #[test]
    fn a_truncated_row_is_refused(bytes in significant_bytes(), cut: prop::sample::Index) {
        prop_assume!(!matches!(bytes.first(), None | Some(b'\r' | b'\n')));
        let cut = cut.index(bytes.len());
        let mut splitter = Splitter::new();
        if let Ok(true) = splitter.split(&mut &bytes[..cut]) {
            let row: Vec<Vec<u8>> = splitter.fields().iter().map(<[u8]>::to_vec).collect();
            let whole = split_by_the_judge(&bytes);
            prop_assert_eq!(Some(&row), whole.first(), "{:?}", bytes);
        }
    }

    #[test]
    fn bytes_are_written_as_the_csv_crate_writes_them(rows in btree_map(hostile_text(), record(), 0..8)) {
        let mut judge = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        judge.write_record(COLUMNS).expect("memory takes it");
        let records = named(rows);
        for FileRecord { file_path, permissions, size, file_type, last_modified, internal_id, etag, storage_class, version_id } in &records {
            let Permissions { permissions, owner, group } = permissions;
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let row = [
                file_path.as_str().to_owned(),
                text(permissions),
                size.map_or_else(String::new, |size| size.to_string()),
                text(file_type),
                last_modified.map_or_else(String::new, |time| time.to_string()),
                text(internal_id),
                etag.as_ref().map_or_else(String::new, |etag| etag.as_str().to_owned()),
                text(storage_class),
                text(version_id),
                text(owner),
                text(group),
            ];
            judge.write_record(&row).expect("memory takes it");
        }
        prop_assert_eq!(written(&records).expect("written"), judge.into_inner().expect("memory takes it"));
    }

    #[test]
    fn rows_are_the_same_however_a_file_is_cut_into_blocks(rows in btree_map(hostile_text(), record(), 0..8), block_bytes in 1..200_usize) {
        let records = named(rows);
        let bytes = written(&records).expect("written");
        let reader = SnapshotReader::begin(Blocks::new(&bytes[..], "test.csv".to_owned(), block_bytes)).expect("a header");
        prop_assert_eq!(reader.collect::<Result<Vec<_>, _>>().expect("read"), records);
    }
}
