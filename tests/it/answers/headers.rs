//! The headers of the responses about one object. One run meets all cases, each of them at a key of its own.

use super::table::{ABSENT, Case, EMPTY, Fate, Field, Form, NOT_TEXT, OTHER_CASE, OTHER_FORMAT, OUT_OF_RANGE, TWICE, cases, compare};
use crate::workflow::scene::{BUCKET, Scene, key, over_http};
use mock_s3::{Fault, Matcher};
use s3_sync::state::Views;

const OLD: &str = "old content";
const CONTENT: &str = "content";
/// The ETag of the content.
const ETAG: &str = "\"9a0364b9e99bb480dd25e1f0284c8555\"";

/// Headers that only describe.
const DESCRIBING: [&str; 34] = [
    "last-modified",
    "content-type",
    "x-amz-storage-class",
    "x-amz-version-id",
    "x-amz-meta-author",
    "x-amz-missing-meta",
    "x-amz-delete-marker",
    "x-amz-expiration",
    "x-amz-restore",
    "x-amz-archive-status",
    "x-amz-mp-parts-count",
    "x-amz-tagging-count",
    "x-amz-replication-status",
    "x-amz-request-charged",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-website-redirect-location",
    "x-amz-abort-date",
    "x-amz-abort-rule-id",
    "x-amz-request-id",
    "x-amz-id-2",
    "accept-ranges",
    "age",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "date",
    "expires",
    "server",
];

fn plain(name: &'static str, right: &str, other: &str) -> Field {
    Field::new(Form::Plain, name, right, other)
}

fn describing() -> Vec<Field> {
    DESCRIBING.iter().map(|name| plain(name, "true", "false")).collect()
}

/// Headers that decide what a body is compared with. A digest of a wrong form is none, and the MD5 in the ETag takes its place.
fn comparing() -> Vec<Field> {
    let digests =
        ["x-amz-checksum-crc32", "x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme", "x-amz-checksum-sha1", "x-amz-checksum-sha256"];
    let digests = digests.map(|name| plain(name, "AAAA", "BBBB").refused(name, &[TWICE, NOT_TEXT]));
    let words = [
        ("x-amz-checksum-type", "FULL_OBJECT", "COMPOSITE"),
        ("x-amz-server-side-encryption", "AES256", "aws:kms"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256", "none"),
    ];
    let words = words.map(|(name, right, other)| plain(name, right, other).refused(name, &[TWICE, NOT_TEXT]));
    digests.into_iter().chain(words).collect()
}

/// The headers of a HEAD. One without a usable length is followed by a GET of the first byte.
pub(super) fn of_head() -> Vec<Field> {
    let mut fields = vec![
        plain("content-length", "7", "8").without(&[TWICE, OTHER_CASE]),
        plain("etag", ETAG, "\"0\"").refused("ETag", &[ABSENT, EMPTY, TWICE, OUT_OF_RANGE, OTHER_CASE, OTHER_FORMAT, NOT_TEXT]),
    ];
    fields.extend(comparing());
    fields.extend(describing());
    fields
}

/// The headers of a GET.
pub(super) fn of_get() -> Vec<Field> {
    let mut fields = vec![
        plain("content-length", "7", "8")
            .without(&[ABSENT, TWICE, OTHER_CASE])
            .refused("content-length", &[EMPTY, OUT_OF_RANGE, OTHER_FORMAT, NOT_TEXT]),
        plain("etag", ETAG, "\"0\"").refused("ETag", &[ABSENT, EMPTY, TWICE, OUT_OF_RANGE, OTHER_CASE, OTHER_FORMAT, NOT_TEXT]),
    ];
    fields.extend(comparing());
    fields.extend(describing());
    fields
}

/// The cases, each with its key.
fn keyed(fields: &[Field]) -> Vec<(String, Case)> {
    cases(fields).into_iter().enumerate().map(|(number, case)| (format!("{number:04}"), case)).collect()
}

async fn compare_contents(scene: &Scene, keyed: Vec<(String, Case)>) {
    let (contents, views) = (scene.contents(), Views::open(&scene.program.database));
    let mut measured = Vec::new();
    for (path, case) in keyed {
        let arrived = contents.get(&path).is_some_and(|content| content == CONTENT);
        let known = views.key_report(key(&path)).await.expect("a database").expect("it was listed");
        let pending = known.sinks.into_iter().find_map(|sink| sink.pending);
        let text = pending.and_then(|pending| pending.message.or(pending.reason)).unwrap_or_default();
        measured.push((case, if arrived { Fate::Synced } else { Fate::Refused("") }, text));
    }
    compare(measured.into_iter());
}

/// Case O3 and its kind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_header_of_a_get_wrong_in_each_way() {
    let (server, scene) = over_http().await;
    let keyed = keyed(&of_get());
    for (path, case) in &keyed {
        server.server().put(BUCKET, path, CONTENT, None);
        let header = Fault::Header { name: case.field, values: case.sent.clone() };
        server.server().order(Matcher::operation("GetObject").key(path), header);
    }
    scene.run().await;
    compare_contents(&scene, keyed).await;
}

/// Of a known object that is listed without its ETag, a HEAD shows whether it has changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_header_of_a_head_wrong_in_each_way() {
    let (server, scene) = over_http().await;
    let keyed = keyed(&of_head());
    for (path, _) in &keyed {
        server.server().put(BUCKET, path, OLD, None);
    }
    scene.run_to_success().await;
    let no_etag = Fault::Element { parent: "Contents", name: "ETag", values: Vec::new() };
    server.server().order(Matcher::operation("ListObjectsV2"), no_etag);
    for (path, case) in &keyed {
        server.server().put(BUCKET, path, CONTENT, None);
        let header = Fault::Header { name: case.field, values: case.sent.clone() };
        server.server().order(Matcher::operation("HeadObject").key(path), header);
    }
    scene.reconcile().await;
    compare_contents(&scene, keyed).await;
}
