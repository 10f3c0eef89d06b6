//! Stores with missing or invalid headers: the object is synced nevertheless, and a wrong body is not.

use super::scene::{BUCKET, Scene, files, key, over_http};
use mock_s3::{Fault, Matcher};
use s3_sync::state::Views;
use serde_json::json;

const NEW: &str = "the new content";

/// A bucket and a file manager in sync; then `a` changes, `empty` appears, and the feed reports both.
async fn with_reported_changes() -> (mock_s3::Running, Scene) {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", "old", None);
    scene.run_to_success().await;
    server.server().put(BUCKET, "a", NEW, None);
    server.server().put(BUCKET, "empty", "", None);
    let created = |path: &str| json!({ "event_type": "create", "file_path": path });
    scene.api.api().set_feed(vec![created("/a"), created("/empty")]);
    (server, scene)
}

/// O1: without Content-Length in the response to a HEAD (some servers send 0), an event failed in every cycle.
#[tokio::test]
async fn an_event_of_an_object_whose_head_states_no_length_is_synced() {
    for fault in [Fault::NoLength, Fault::header("content-length", "0")] {
        let (server, scene) = with_reported_changes().await;
        server.server().order(Matcher::operation("HeadObject"), fault);
        scene.cycle_to_success().await;
        assert_eq!(scene.contents(), files(&[("a", NEW), ("empty", "")]));
    }
}

/// O2: a chunked body, without Content-Length, was never synced.
#[tokio::test]
async fn a_body_in_chunks_is_synced_with_the_length_that_the_listing_states() {
    let (server, scene) = over_http().await;
    server.server().put(BUCKET, "a", NEW, None);
    server.server().put(BUCKET, "empty", "", None);
    server.server().order(Matcher::operation("GetObject"), Fault::NoLength);
    let ended = scene.run_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", NEW), ("empty", "")]));
    assert_eq!(ended.report.unverified, 0);
}

/// O1 and O2 together: no response states the length, so the body is counted and verified by its checksum.
#[tokio::test]
async fn an_object_without_any_length_is_synced_after_an_event() {
    let (server, scene) = with_reported_changes().await;
    server.server().order(Matcher::any(), Fault::NoLength);
    scene.cycle_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", NEW), ("empty", "")]));
}

/// O4: a Last-Modified that is no HTTP date kept the object from being synced. Other common formats are accepted; otherwise the
/// time is unknown.
#[tokio::test]
async fn a_last_modified_in_another_format_is_read_or_unknown() {
    let (server, scene) = with_reported_changes().await;
    server.server().order(Matcher::any().key("a"), Fault::header("last-modified", "2026-11-30T10:00:00Z"));
    server.server().order(Matcher::any().key("empty"), Fault::header("last-modified", "yesterday"));
    scene.cycle_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", NEW), ("empty", "")]));
    for (path, expected) in [("a", Some("2026-11-30T10:00:00Z")), ("empty", None)] {
        let why = Views::open(&scene.program.database).key_report(key(path)).await.expect("a database").expect("it is known");
        let time = why.observed.and_then(|observed| observed.facts).and_then(|facts| facts.last_modified);
        assert_eq!(time.map(|time| time.to_string()).as_deref(), expected, "{path}");
    }
}

/// O3: headers that are not UTF-8 made the SDK refuse the response. They only describe.
#[tokio::test]
async fn headers_that_are_not_text_keep_no_object_from_being_synced() {
    for header in ["x-amz-meta-author", "content-type", "x-amz-storage-class", "server"] {
        let (server, scene) = with_reported_changes().await;
        server.server().order(Matcher::any(), Fault::header(header, b"J\xf6rg"));
        scene.cycle_to_success().await;
        assert_eq!(scene.contents(), files(&[("a", NEW), ("empty", "")]), "{header}");
    }
}

/// One byte that is not UTF-8 in the text of an error lost its code: an archived object was a failure, and a bucket that does not exist was an
/// object that does not.
#[tokio::test]
async fn the_code_of_an_error_is_read_whatever_its_text_is() {
    for message in [&b"J\xf6rg"[..], b"\x01", b"a & b", b"&nbsp;", b"<![CDATA[<Code>Other</Code>]]>", b"<b>bold</b>"] {
        let edited = [b"<Message>", message].concat();
        let (server, scene) = over_http().await;
        server.server().put_object(BUCKET, "archived", mock_s3::NewObject::bytes("cold").storage_class("GLACIER"));
        server.server().order(Matcher::operation("GetObject"), Fault::edit("<Message>", edited));
        let ended = scene.run_to_success().await;
        assert_eq!(ended.report.skipped.get("archived"), Some(&1), "{}: {}", message.escape_ascii(), ended.report);
    }
}

/// Of an object without any stated length, a range was asked for; a store that does not know the whole length there either left the event
/// failing. The body with its checksum shows it.
#[tokio::test]
async fn an_object_whose_range_states_no_whole_length_is_synced_after_an_event() {
    let (server, scene) = with_reported_changes().await;
    server.server().order(Matcher::operation("HeadObject"), Fault::NoLength);
    server.server().order(Matcher::operation("GetObject").key("a").times(1), Fault::header("content-range", "bytes 0-0/*"));
    server.server().order(Matcher::operation("GetObject"), Fault::NoLength);
    scene.cycle_to_success().await;
    assert_eq!(scene.contents(), files(&[("a", NEW), ("empty", "")]));
}
