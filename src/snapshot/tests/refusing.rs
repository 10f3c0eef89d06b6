//! Tests of the refusals: the message names file, line and value, and nothing in it can control a terminal.

use super::*;
use std::io::{self, Read as _};

const SIX: &str = "file_path,permissions,size,file_type,last_modified,internal_id";

fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("refused").to_string()
}

#[test]
fn the_reasons_for_refusing_a_file() {
    let header = format!("a snapshot begins with {SIX}");
    for (bytes, expected) in [
        (String::new(), format!("line 1: there is no header; it must begin with {SIX}")),
        ("a\n".into(), format!("line 1: column 1 must be `file_path`, but it is `a`; {header}")),
        (SIX.replace("size,", ""), format!("line 1: column 3 must be `size`, but it is `file_type`; {header}")),
        (SIX.replace("size", "\"si\u{1b}ze\""), format!("line 1: column 3 must be `size`, but it is `si\\u{{1b}}ze`; {header}")),
        (format!("{SIX},etag,x,etag\n"), "line 1: column `etag` occurs twice".into()),
        (format!("{SIX},size\n"), "line 1: column `size` occurs twice".into()),
        (format!("{SIX}\na,,,,,\nb,,,,\n"), "line 3: the row has 5 fields, but the header has 6".into()),
        (format!("{SIX}\r\na,,,,,\r\nb,,,,,,\r\n"), "line 3: the row has 7 fields, but the header has 6".into()),
        (format!("{SIX}\n\"a\n\n\",,,,,\n,,,,,\n"), "line 5: file_path is empty".into()),
        (format!("{SIX}\r\n\"a\r\n\r\n\",,,,,\r\n,,,,,\r\n"), "line 5: file_path is empty".into()),
        (
            format!("{SIX}\nb,,,,,\na\u{202e},,,,,\n"),
            "line 3: key a\\u{202e} comes after b, but rows must be in the byte order of their keys".into(),
        ),
        (format!("{SIX}\na,,,,,\na,,,,,\n"), "line 3: key a occurs twice".into()),
        (format!("{SIX}\na,,,,yesterday,\n"), "line 2: last_modified must be an ISO-8601 time, but it is `yesterday`".into()),
        (format!("{SIX}\na,,,,,\nb,\"5\" disk\",,,,\n"), "line 3: the row has an odd number of quotes; is one of them not doubled?".into()),
        (format!("{SIX}\na,,,,,\nb,\"cut o"), "line 3: the file ends inside a quoted field; was it cut off?".into()),
        (format!("{SIX}\na,,,,,\"cut o"), "line 2: the file ends inside a quoted field; was it cut off?".into()),
    ] {
        assert_eq!(refusal(bytes.as_bytes()), format!("test.csv, {expected}"), "{bytes:?}");
    }
}

#[test]
fn only_a_plain_decimal_number_is_a_size() {
    for size in ["-1", "+8", "008", "00", "8.0", "1e5", " 8", "8 ", "NA", "18446744073709551616", "٣"] {
        let words = refusal(format!("{SIX}\na,,{size},,,\n").as_bytes());
        assert_eq!(
            words,
            format!("test.csv, line 2: size must be a decimal number of bytes without sign or leading zeros, but it is `{size}`")
        );
    }
    let words = refusal(format!("{SIX}\na,,{},,,\n", "x\n".repeat(5000).trim_end().replace('\n', "\u{7}")).as_bytes());
    assert!(words.len() < 600 && words.ends_with("x\\u{7}…`"), "{words}");
}

#[test]
fn text_that_is_not_utf_8_is_refused_in_columns_that_we_know() {
    let mut bytes = format!("{SIX},colour\na,").into_bytes();
    bytes.extend(b"rw\xff,,,,,red\n");
    assert_eq!(refusal(&bytes), "test.csv, line 2: permissions is not UTF-8: `rw\\xff`");
    let mut bytes = format!("{SIX},colour\n").into_bytes();
    bytes.extend(b"a,,,,,,r\xffd\n");
    assert_eq!(read(&bytes).expect("unknown columns do not matter"), [bare("a")]);
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let begun = format!("{SIX}\na,,,,,\nb,\"");
    let endless = begun.as_bytes().chain(io::repeat(b'x'));
    let mut reader = SnapshotReader::new(endless, "test.csv").expect("a header");
    assert_eq!(reader.next().expect("a row").expect("readable"), bare("a"));
    let words = reader.next().expect("an error").expect_err("refused").to_string();
    assert_eq!(words, "test.csv, line 3: the row is longer than 1048576 bytes; is a quote left open?");
    assert!(reader.next().is_none(), "nothing follows an error");
}

#[test]
fn a_long_file_of_short_rows_is_not_a_long_row() {
    let records: Vec<FileRecord> = (0..4000).map(|n| bare(&format!("{n:01000}"))).collect();
    assert_eq!(read(&written(&records).expect("written")).expect("read").len(), records.len());
}

#[test]
fn the_longest_row_that_is_written_is_read() {
    let quotes = bare(&"\"".repeat(MAX_ROW_BYTES));
    assert_eq!(read(&written(&[bare("!"), quotes.clone()]).expect("written")).expect("read"), [bare("!"), quotes]);
    let words = written(&[bare(&"x".repeat(MAX_ROW_BYTES + 1))]).expect_err("refused").to_string();
    assert_eq!(words, "test.csv: row refused: the row is longer than 1048576 bytes; is a quote left open?");
}

#[test]
fn a_writer_refuses_rows_out_of_order_and_continues_without_them() {
    let mut writer = SnapshotWriter::new(Vec::new(), "x\ny.csv");
    for (key, expected) in [
        ("a", None),
        ("B", Some("x\\u{a}y.csv: row refused: key B comes after a, but rows must be in the byte order of their keys")),
        ("a", Some("x\\u{a}y.csv: row refused: key a occurs twice")),
        ("a\0", None),
        ("\u{ffff}", None),
        ("\u{10000}", None),
    ] {
        assert_eq!(writer.push(&bare(key)).err().map(|error| error.to_string()).as_deref(), expected, "{key:?}");
    }
    let back = read(&writer.finish().expect("written")).expect("read");
    assert_eq!(back, [bare("a"), bare("a\0"), bare("\u{ffff}"), bare("\u{10000}")]);
}

/// A reader that returns one byte at a time, each after an interruption by a signal, and fails at the end.
struct Interrupting<'a>(&'a [u8], bool);

impl io::Read for Interrupting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match self.0.split_first() {
            _ if self.1 => Err(io::ErrorKind::Interrupted.into()),
            Some((first, rest)) => {
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
            None => Err(io::Error::other("the disk is on fire")),
        }
    }
}

#[test]
fn an_interruption_is_no_end_and_a_failure_names_the_file() {
    let bytes = format!("{SIX}\na,,,,,\n");
    let mut reader = SnapshotReader::new(Interrupting(bytes.as_bytes(), false), "test.csv").expect("a header");
    assert_eq!(reader.next().expect("a row").expect("readable"), bare("a"));
    assert_eq!(reader.next().expect("an error").expect_err("failed").to_string(), "cannot read test.csv: the disk is on fire");
    assert!(reader.next().is_none());
    let words = open(std::path::Path::new("/no/such\n.csv")).err().expect("no file").to_string();
    assert!(words.starts_with("cannot open /no/such\\u{a}.csv: "), "{words}");
}
