//! A state of another bucket, prefix or file manager: exit code 2, both names and the flags in the message, nothing changed.

use super::stage::Stage;
use mock_api::MockApi;

#[tokio::test(flavor = "multi_thread")]
async fn another_source_or_sink_is_refused_until_the_operator_says_what_it_means() {
    let mut stage = Stage::with(&["p/a.txt"]).await;
    stage.expect(&["initial-sync"], 0).await;
    stage.s3.server().create_bucket("other-bucket");
    let other = MockApi::new(mock_api::Options::default()).start("127.0.0.1:0").await.expect("a free port");
    let (own, own_url) = (super::stage::BUCKET.to_owned(), stage.files.url());
    for (name, value, before, flags) in [
        ("CUSTOMER_S3_BUCKET", "other-bucket".to_owned(), format!("/{own}/"), ["--adopt", "--new-source"]),
        ("CUSTOMER_S3_PREFIX", "p/".to_owned(), format!("/{own}/"), ["--adopt", "--new-source"]),
        ("FILE_MANAGER_API_URL", other.url(), own_url, ["--adopt", "--new-sink file_manager"]),
    ] {
        let was = if name == "CUSTOMER_S3_BUCKET" { own.clone() } else { stage.files.url() };
        let (files, calls, requests) = (stage.left_behind(), stage.api().calls_in_all(), stage.s3.server().counters().requests);
        stage.setting(name, value.clone());
        let ran = stage.expect(&["initial-sync"], 2).await;
        ran.says(&[&before, &value, flags[0], flags[1]]);
        assert!(ran.stdout.is_empty(), "{ran:?}");
        assert_eq!(stage.left_behind(), files, "{name}: no snapshot, no other file");
        assert_eq!((stage.api().calls_in_all(), stage.s3.server().counters().requests), (calls, requests), "{name}");
        match name {
            "CUSTOMER_S3_PREFIX" => stage.without(name),
            _ => stage.setting(name, was),
        }
    }
    assert_eq!(other.api().calls_in_all(), 0);
    stage.expect(&["initial-sync"], 0).await.prints(&["0 created, 0 updated, 0 deleted"]);
    stage.setting("FILE_MANAGER_API_URL", other.url());
    stage.expect(&["initial-sync", "--new-sink", "file_manager"], 0).await.prints(&["1 created"]);
    assert_eq!(other.api().files().len(), 1);
}
