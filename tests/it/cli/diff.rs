//! `diff`: differences are printed and are no failure; for an invalid snapshot, file and line are named.

use super::stage::Stage;

const HEADER: &str = "file_path,permissions,size,file_type,last_modified,internal_id,etag\n";

async fn stage_with(files: &[(&str, &str)]) -> Stage {
    let stage = Stage::set().await;
    for (name, text) in files {
        std::fs::write(stage.path(name), format!("{HEADER}{text}")).expect("written");
    }
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_files_have_no_differences() {
    let stage = stage_with(&[("a.csv", "k,rw,1,,,,e\n")]).await;
    assert_eq!(stage.expect(&["diff", "a.csv", "a.csv"], 0).await.stdout, "no differences\n");
    let ran = stage.expect(&["diff", "a.csv", "a.csv", "--json"], 0).await;
    assert_eq!(ran.json()["kind"], "summary");
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_prints_one_line_per_difference_and_a_key_cannot_forge_one() {
    let stage = stage_with(&[("old.csv", "b,rw,1,,,,e\nc,rw,1,,,,e\n"), ("new.csv", "\"a\n+ forged\",rw,1,,,,e\nc,r-,2,,,,f\n")]).await;
    let ran = stage.expect(&["diff", "old.csv", "new.csv"], 0).await;
    assert_eq!(ran.stdout.lines().count(), 4, "{ran:?}");
    ran.prints(&["- b", "~ c", "1 added, 1 removed, 1 changed"]);
    let ran = stage.expect(&["diff", "old.csv", "new.csv", "--json"], 0).await;
    let lines: Vec<serde_json::Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["added", "removed", "changed", "summary"]);
    assert_eq!(lines[0]["file_path"], "a\n+ forged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_or_broken_is_named_with_its_line() {
    let stage = stage_with(&[
        ("good.csv", "a,,1,,,,\n"),
        ("short.csv", "a,,1,,,,\nb,,2\n"),
        ("size.csv", "a,,1,,,,\nb,,008,,,,\n"),
        ("order.csv", "b,,1,,,,\na,,1,,,,\n"),
        ("quote.csv", "a,,1,,,,\n\"b,,1,,,,\n"),
    ])
    .await;
    std::fs::write(stage.path("other.csv"), "name,age\nx,1\n").expect("written");
    std::fs::write(stage.path("empty.csv"), "").expect("written");
    for (file, words) in [
        ("nothing.csv", &["cannot open nothing.csv", "No such file"][..]),
        ("short.csv", &["short.csv, line 3", "3 fields", "header has 7"]),
        ("size.csv", &["size.csv, line 3", "decimal number", "`008`"]),
        ("order.csv", &["order.csv, line 3", "byte order"]),
        ("quote.csv", &["quote.csv, line 3", "inside a quoted field"]),
        ("other.csv", &["other.csv, line 1", "`file_path`", "`name`"]),
        ("empty.csv", &["empty.csv, line 1", "there is no header"]),
    ] {
        for arguments in [["diff", "good.csv", file], ["diff", file, "good.csv"]] {
            stage.expect(&arguments, 1).await.says(words);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_needs_no_settings_and_calls_no_endpoint() {
    let mut stage = stage_with(&[("a.csv", "")]).await;
    for name in ["CUSTOMER_S3_BUCKET", "FILE_MANAGER_API_URL", "CUSTOMER_S3_ACCESS_KEY", "CUSTOMER_S3_SECRET_KEY", "FILE_MANAGER_API_TOKEN"]
    {
        stage.without(name);
    }
    stage.expect(&["diff", "a.csv", "a.csv"], 0).await;
    assert_eq!((stage.s3.server().counters().requests, stage.api().calls_in_all(), stage.left_behind().len()), (0, 0, 1));
}
