//! A bucket of several pages with hostile names arrives; reconciles repair what changed without a notification, and then find nothing.

use super::gateway::Gateway;
use crate::moto::objects::Objects;
use crate::moto::sync::{Sync, calls_about_files, file_manager, held};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use serde_json::Value;
use std::collections::BTreeMap;

/// More than a page, so that one ends with each kind of key: the token is the key, and a control character in it is no XML.
const OF_EACH_KIND: usize = 1_010;
/// What the gateway refuses when it is put, and the status that it does so with.
const REFUSED: [(&str, &str); 2] = [("a\0b", "HTTP 400"), ("ddd", "HTTP 400")];
/// S3's least size of a part that is not the last one.
const PART_BYTES: usize = 5 << 20;

/// Every name with a body of its own.
pub(super) fn bodies(names: impl IntoIterator<Item = String>) -> BTreeMap<String, Vec<u8>> {
    names.into_iter().map(|name| (name.clone(), format!("the object {name:?}").into_bytes())).collect()
}

/// Names that some program writes or reads differently.
pub(super) fn odd_names() -> Vec<String> {
    let hostile: Vec<String> = serde_json::from_str(include_str!("../../fixtures/hostile-keys.json")).expect("the fixture is JSON");
    let odd = [
        "a+b.txt",
        "c++/x.cc",
        "100%25.txt",
        "50%.txt",
        "50%FF.txt",
        "a b/ü+é.txt",
        "q\"uo'te&<>.xml",
        "a%2Bb c",
        "%41",
        "_a",
        "__a",
        "a:b,c;d",
    ];
    hostile.into_iter().chain(odd.map(str::to_owned)).collect()
}

/// Stores an object in two parts: its ETag is no MD5 of its content.
pub(super) async fn put_in_parts(objects: &Objects, key: &str, body: &[u8]) {
    let (client, bucket) = (objects.client(), &objects.bucket);
    let upload = client.create_multipart_upload().bucket(bucket).key(key).send().await.expect("it begins");
    let upload = upload.upload_id.expect("it has an id");
    let mut parts = Vec::new();
    for (number, part) in (1..).zip(body.chunks(PART_BYTES)) {
        let request = client.upload_part().bucket(bucket).key(key).upload_id(&upload).part_number(number);
        let stored = request.body(part.to_vec().into()).send().await.expect("a part is stored");
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(stored.e_tag).build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request = client.complete_multipart_upload().bucket(bucket).key(key).upload_id(upload).multipart_upload(parts);
    request.send().await.expect("it is completed");
}

/// A body of two parts.
pub(super) fn two_parts() -> Vec<u8> {
    (0..=u8::MAX).cycle().take(PART_BYTES + 1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_several_pages_arrives_and_a_reconcile_repairs_it() {
    let gateway = Gateway::running();
    let (objects, file_manager) = (gateway.bucket().await, file_manager().await);
    let control = (0..OF_EACH_KIND).map(|number| format!("\u{1b}[2J{number}"));
    let plain = (0..OF_EACH_KIND).map(|number| format!("{}+{number} %.bin", number % 7));
    let mut bodies = bodies(odd_names().into_iter().chain(control).chain(plain));
    for key in refused(&objects, &bodies).await {
        bodies.remove(&key);
    }
    put_in_parts(&objects, "in parts+.bin", &two_parts()).await;
    bodies.insert("in parts+.bin".to_owned(), two_parts());
    // A directory marker, which is no file; `a/` of the hostile names has content, and is one.
    objects.put("directory/", b"").await;
    let sync = gateway.sync(&objects, &file_manager);

    let first = sync.done().await;
    assert_eq!((&first["listing"]["pages"], &first["listing"]["files"]), (&3.into(), &bodies.len().into()), "{first}");
    assert_eq!(first["operations"]["create"], bodies.len(), "{first}");
    // The gateway has no checksum of what came in parts.
    assert_eq!(first["unverified"], 1, "{first}");
    assert!(held(&file_manager) == bodies, "every object is there, with its bytes");
    finds_nothing(&sync, &["initial-sync", "--json"], &file_manager).await;

    let before = file_manager.api().files();
    for key in ["a+b.txt", "0+7 %.bin", "in parts+.bin"] {
        objects.put(key, b"other bytes").await;
        bodies.insert(key.to_owned(), b"other bytes".to_vec());
    }
    for key in ["50%.txt", "c++/x.cc"] {
        objects.delete(key).await;
        bodies.remove(key);
    }
    let together = ["100%25.txt", "%41", "a b/ü+é.txt"];
    delete_together(&objects, &together).await;
    bodies.retain(|key, _| !together.contains(&key.as_str()));
    objects.put("new +.txt", b"new").await;
    bodies.insert("new +.txt".to_owned(), b"new".to_vec());
    let report = reconciled(&sync, &["reconcile", "--json"]).await;
    let counts = ["create", "update", "delete"].map(|kind| report["operations"][kind].as_u64());
    assert_eq!(counts, [Some(1), Some(3), Some(5)], "{report}");
    assert!(held(&file_manager) == bodies, "the file manager holds what the bucket holds");
    assert_eq!(file_manager.api().files()["a+b.txt"].internal_id, before["a+b.txt"].internal_id);
    finds_nothing(&sync, &["reconcile", "--json"], &file_manager).await;
}

/// Stores the objects, and returns those that the gateway refuses: always the same ones.
async fn refused(objects: &Objects, bodies: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let refused = objects.try_put_all(bodies).await;
    let reasons: Vec<_> =
        refused.iter().map(|(key, answer)| (key.get(..3).unwrap_or(key), answer.split(':').next().unwrap_or_default())).collect();
    assert_eq!(reasons, REFUSED, "{refused:?}");
    refused.into_keys().collect()
}

/// In one request. The gateway answers one with a control character in a key with HTTP 400, and with notifications on the bucket any such
/// request ends the process of Ceph 16.2.15.
async fn delete_together(objects: &Objects, keys: &[&str]) {
    let keys = keys.iter().map(|key| ObjectIdentifier::builder().key(*key).build().expect("it is whole")).collect();
    let delete = Delete::builder().set_objects(Some(keys)).build().expect("it is whole");
    let answer = objects.client().delete_objects().bucket(&objects.bucket).delete(delete).send().await.expect("an answer");
    assert!(answer.errors().is_empty(), "{answer:?}");
}

/// A run that must be done, and its report.
pub(super) async fn reconciled(sync: &Sync, arguments: &[&str]) -> Value {
    let run = sync.run(arguments).await;
    assert_eq!(run.code, Some(0), "{}", run.output());
    run.report()
}

async fn finds_nothing(sync: &Sync, arguments: &[&str], file_manager: &mock_api::Running) {
    file_manager.api().reset_calls();
    let report = reconciled(sync, arguments).await;
    assert_eq!(report["statistics"]["operations_processed"], 0, "{report}");
    assert_eq!(calls_about_files(file_manager), 0);
}
