//! The elements of a listing. The page of a bucket is sent with one of them wrong, and a whole run follows.

use super::table::{ABSENT, Case, EMPTY, Fate, Field, Form, NOT_TEXT, OTHER_CASE, OTHER_FORMAT, OUT_OF_RANGE, TWICE, cases, compare};
use crate::workflow::scene::{BUCKET, files, over_http};
use futures::stream::{self, StreamExt as _};
use mock_s3::{Fault, Matcher};
use s3_sync::state::RunOutcome;

/// Runs at a time.
const AT_A_TIME: usize = 8;
const CONTENT: &str = "content";
/// The MD5 of the content.
const ETAG: &str = "\"9a0364b9e99bb480dd25e1f0284c8555\"";

fn plain(name: &'static str, right: &str, other: &str) -> Field {
    Field::new(Form::Plain, name, right, other)
}

/// The elements of an entry.
pub(super) fn of_entry() -> Vec<Field> {
    let owner = "<ID>1</ID><DisplayName>J</DisplayName>";
    vec![
        plain("Key", "m", "other")
            .without(&[OUT_OF_RANGE, OTHER_CASE, OTHER_FORMAT])
            .refused("an entry without a key", &[ABSENT, EMPTY])
            .refused("`Key` occurs twice", &[TWICE])
            .refused("`Key` cannot be read", &[NOT_TEXT]),
        plain("Size", "7", "8").sends(OUT_OF_RANGE, "-1"),
        plain("ETag", ETAG, "\"0\"").sends(OTHER_FORMAT, "\"&#0;\""),
        plain("LastModified", "2026-11-30T10:00:00.000Z", "2026-11-30T11:00:00.000Z").sends(OUT_OF_RANGE, "99999-13-32T25:61:61Z"),
        plain("StorageClass", "STANDARD", "GLACIER"),
        plain("ChecksumAlgorithm", "CRC32", "SHA1"),
        plain("ChecksumType", "FULL_OBJECT", "COMPOSITE"),
        plain("Owner", owner, "<ID>2</ID>").sends(OTHER_FORMAT, "<ID>&nothing;</ID>"),
        plain("RestoreStatus", "<IsRestoreInProgress>false</IsRestoreInProgress>", "<IsRestoreInProgress>true</IsRestoreInProgress>")
            .sends(OUT_OF_RANGE, "<RestoreExpiryDate>99999-99-99</RestoreExpiryDate>")
            .sends(OTHER_CASE, "<IsRestoreInProgress>FALSE</IsRestoreInProgress>"),
        plain("UserMetadata", "<author>J</author>", "<author>K</author>"),
    ]
}

/// The other elements of a page.
pub(super) fn of_page() -> Vec<Field> {
    vec![
        plain("IsTruncated", "true", "false")
            .sends(OUT_OF_RANGE, "2")
            .refused("IsTruncated", &[EMPTY, OUT_OF_RANGE, OTHER_CASE, OTHER_FORMAT])
            .refused("`IsTruncated` occurs twice", &[TWICE])
            .refused("`IsTruncated` cannot be read", &[NOT_TEXT]),
        plain("NextContinuationToken", "MQ", "Mg")
            .without(&[OUT_OF_RANGE, OTHER_CASE])
            .refused("continuation token", &[OTHER_FORMAT])
            // One that is not text is left out, because the page has the flag.
            .refused("`NextContinuationToken` occurs twice", &[TWICE]),
        plain("EncodingType", "url", "none")
            .without(&[OUT_OF_RANGE])
            .refused("`EncodingType` occurs twice", &[TWICE])
            .refused("`EncodingType` cannot be read", &[NOT_TEXT]),
        plain("Name", BUCKET, "other"),
        plain("Prefix", "", "other").without(&[OTHER_CASE]),
        plain("Delimiter", "/", "#"),
        plain("MaxKeys", "1", "2"),
        plain("KeyCount", "1", "2").sends(OUT_OF_RANGE, "-1"),
        plain("ContinuationToken", "MQ", "Mg"),
        plain("StartAfter", "l", "a"),
        plain("CommonPrefixes", "<Prefix>x/</Prefix>", "<Prefix>y/</Prefix>"),
    ]
}

/// A run over two pages with one object each, or over one page where the entry itself is wrong.
async fn measured(parent: &'static str, case: Case) -> (Case, Fate, String) {
    let (server, mut scene) = over_http().await;
    let keys: &[&str] = if parent == "Contents" { &["m"] } else { &["m", "z"] };
    scene.program.options.page_keys = 1;
    for key in keys {
        server.server().put(BUCKET, key, CONTENT, None);
    }
    let element = Fault::Element { parent, name: case.field, values: case.sent.clone() };
    server.server().order(Matcher::operation("ListObjectsV2"), element);
    let ended = scene.run().await;
    let arrived = scene.contents() == files(&keys.iter().map(|key| (*key, CONTENT)).collect::<Vec<_>>());
    let fate = if arrived && ended.outcome == RunOutcome::Done { Fate::Synced } else { Fate::Refused("") };
    (case, fate, ended.report.errors.join("; "))
}

async fn check(parent: &'static str, fields: Vec<Field>) {
    let runs = stream::iter(cases(&fields)).map(|case| tokio::spawn(measured(parent, case)));
    let measured: Vec<_> = runs.buffered(AT_A_TIME).map(|run| run.expect("a run that ends")).collect().await;
    compare(measured.into_iter());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_element_of_an_entry_wrong_in_each_way() {
    check("Contents", of_entry()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_element_of_a_page_wrong_in_each_way() {
    check("ListBucketResult", of_page()).await;
}
