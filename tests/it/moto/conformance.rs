//! moto's bucket passes the conformance tests of every bucket, for all keys that it can list: so our own server is no easier
//! test.

use super::objects::{BUCKET, Objects};
use super::server::Moto;
use crate::conformance::s3::{Seeds, conforms, seeds};
use crate::conformance::write::{Lacks, can_be_written};
use s3_sync::record::{ObjectKey, PageCursor};
use s3_sync::s3::{AwsBucket, AwsOptions, CopySource, ListObjects, ListRequest, ReadObjects as _, WriteSupport, probe_writes};
use s3_sync::sdk::AccessKeys;

#[tokio::test]
async fn a_bucket_at_moto_conforms() {
    let moto = Moto::start().await;
    let (mut seeds, unlistable): (Seeds, Seeds) = seeds().into_iter().partition(|(key, _)| key.as_str().chars().all(is_allowed_in_xml));
    let bodies = seeds.iter().map(|(key, body)| (key.as_str().to_owned(), body.clone())).collect();
    for key in Objects::create(&moto).await.try_put_all(&bodies).await.into_keys() {
        seeds.remove(&ObjectKey::new(key).expect("it is a key"));
    }
    let bucket = bucket(&moto, BUCKET).await;
    conforms(&bucket, &self::bucket(&moto, "missing-bucket").await, &seeds).await;

    // moto repeats the start key of a listing without the requested encoding, so the document is no XML. The element is only
    // information, and is removed.
    assert!(!unlistable.is_empty());
    for key in unlistable.into_keys() {
        let request = ListRequest { prefix: String::new(), from: PageCursor::After(key.clone()), max_keys: 1 };
        let page = bucket.list_page(request).await.unwrap_or_else(|error| panic!("what follows {key}: {error}"));
        assert!(page.objects.iter().all(|(found, _)| *found > key), "what follows {key}: {page:?}");
    }
}

/// moto ignores checksums and the conditions of a copy, the root element of its list of parts has another name, and it
/// fails at calls for uploads that ended.
#[tokio::test]
async fn a_bucket_at_moto_can_be_written() {
    let moto = Moto::start().await;
    let mut seeds = seeds();
    let bodies = seeds.iter().map(|(key, body)| (key.as_str().to_owned(), body.clone())).collect();
    let objects = Objects::create(&moto).await;
    for key in objects.try_put_all(&bodies).await.into_keys() {
        seeds.remove(&ObjectKey::new(key).expect("it is a key"));
    }
    for key in seeds.keys().filter(|key| !key.as_str().trim().is_empty()) {
        objects.delete(key.as_str()).await;
    }
    // moto writes the keys of uploads as they are, so the document of the others is no XML.
    seeds.retain(|key, _| key.as_str().chars().all(is_allowed_in_xml));
    let (bucket, missing) = (bucket(&moto, BUCKET).await, bucket(&moto, "missing-bucket").await);
    let lacks = Lacks { checksum: true, part_list: true, ended_uploads: true, copy_source_condition: true, copy_target_condition: true };
    can_be_written(&bucket, BUCKET, &missing, &seeds, lacks).await;

    objects.put("sample", b"content").await;
    let if_match = bucket.head_object(&ObjectKey::new("sample").expect("it is a key")).await.expect("a head").facts.etag;
    let sample = CopySource { bucket: BUCKET.to_owned(), key: ObjectKey::new("sample").expect("it is a key"), if_match };
    let support = probe_writes(&bucket, "", Some(&sample)).await.expect("an answer");
    let expected = WriteSupport {
        put_if_absent: true,
        put_if_match: true,
        delete_if_match: true,
        multipart: true,
        complete_conditions: false,
        copy: false,
        copy_conditions: false,
    };
    assert_eq!(support, expected);
}

fn is_allowed_in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

async fn bucket(moto: &Moto, name: &str) -> AwsBucket {
    let options = AwsOptions {
        endpoint: Some(moto.endpoint.parse().expect("an address")),
        credentials: AccessKeys::new("any-key", "any").into(),
        ..AwsOptions::for_bucket(name)
    };
    AwsBucket::connect(options).await.expect("keys are given")
}
