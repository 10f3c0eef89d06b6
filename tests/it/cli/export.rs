//! `export`: a CSV with only text, the same every time, complete or absent.

use super::stage::{BUCKET, Stage};

/// A minimal RFC 4180 reader: records of fields, quotes doubled.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    assert!(!quoted && field.is_empty() && record.is_empty(), "the file ends with its last record");
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_keys_are_exported_verbatim_in_byte_order() {
    let stage = Stage::set().await;
    let fixture: Vec<String> = serde_json::from_str(include_str!("../../fixtures/hostile-keys.json")).expect("the fixture is JSON");
    let mut keys: Vec<String> = fixture.into_iter().filter(|key| key.len() <= 1024).collect();
    keys.extend(["008", "NA", "null", "0755", "=1+1", "a,b", "say \"hi\"", "two\r\nlines"].map(str::to_owned));
    keys.sort();
    keys.dedup();
    for key in &keys {
        stage.put(key, "content");
    }
    stage.expect(&["initial-sync"], 0).await;
    let ran = stage.expect(&["export"], 0).await;
    let records = records(&ran.stdout);
    assert_eq!(records[0][..6], ["file_path", "permissions", "size", "file_type", "last_modified", "internal_id"]);
    let exported: Vec<_> = records[1..].iter().map(|record| record[0].clone()).collect();
    assert_eq!(exported, keys);
    assert!(records.iter().all(|record| record.len() == records[0].len()));
    assert!(records[1..].iter().all(|record| record[2] == "7" && record[3] == "text/plain"), "{:?}", records[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_exports_are_byte_equal_and_a_file_holds_what_stdout_shows() {
    let stage = Stage::with(&["a.txt", "b.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    let shown = stage.expect(&["export"], 0).await;
    assert_eq!(shown.stdout, stage.expect(&["export"], 0).await.stdout);
    assert!(shown.stderr.is_empty(), "{shown:?}");
    let ran = stage.expect(&["export", "--output", "out.csv", "--json"], 0).await;
    assert_eq!(ran.json(), serde_json::json!({ "output": "out.csv", "side": "known", "rows": 2 }));
    assert_eq!(std::fs::read_to_string(stage.path("out.csv")).expect("written"), shown.stdout);
    stage.expect(&["export", "--output", "out.csv"], 0).await.prints(&["2 rows written to out.csv"]);
    assert!(stage.left_behind().values().all(|mode| *mode == 0o600));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applied_side_knows_only_what_was_confirmed() {
    let stage = Stage::with(&["a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    stage.put("b.txt", "b");
    let refuse = mock_api::Fault::new(mock_api::FaultAction::status(400)).operation("create").always();
    stage.api().order(refuse);
    stage.expect(&["initial-sync"], 3).await;
    let keys = |text: &str| records(text)[1..].iter().map(|record| record[0].clone()).collect::<Vec<_>>();
    assert_eq!(keys(&stage.expect(&["export", "--side", "applied"], 0).await.stdout), ["a.txt"]);
    assert_eq!(keys(&stage.expect(&["export", "--side", "known"], 0).await.stdout), ["a.txt", "b.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_state_nothing_is_printed_or_created() {
    let stage = Stage::with(&["a.txt"]).await;
    for arguments in [&["export"][..], &["export", "--output", "out.csv"]] {
        let ran = stage.expect(arguments, 1).await;
        ran.says(&["data/sync.db", "there is none yet", "initial-sync makes it"]);
        assert!(ran.stdout.is_empty(), "a header alone would be taken for an empty state: {ran:?}");
    }
    assert!(stage.left_behind().is_empty());
    stage.s3.server().remove(BUCKET, "a.txt");
    stage.expect(&["initial-sync"], 0).await;
    assert_eq!(records(&stage.expect(&["export"], 0).await.stdout).len(), 1, "an empty state is a header");
    stage.expect(&["export", "--output", "data"], 1).await.says(&["data", "directory"]);
    stage.expect(&["export", "--output", "no/such/out.csv"], 1).await.says(&["no/such/", "No such file or directory"]);
}
