//! Faults and counters of the bucket in memory. The behaviour of every bucket is tested in the conformance suite.

use super::*;
use futures::TryStreamExt;
use futures::executor::block_on;

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("invariant: not empty")
}

fn get(raw: &str) -> GetRequest {
    GetRequest { key: key(raw), if_match: None, size: None, range: None }
}

/// The body of a GET with this fault, or the error that ends it.
fn body_under(fault: Fault) -> Result<Vec<u8>, S3ErrorKind> {
    let bucket = MemoryBucket::new("b").with_chunk_bytes(3);
    bucket.put(key("a"), &b"0123456789"[..]);
    let mut faults = vec![fault];
    bucket.on_call(move |_| faults.pop());
    block_on(async {
        let got = bucket.get_object(get("a")).await?;
        let chunks: Vec<_> = got.body.try_collect().await?;
        Ok(chunks.concat())
    })
    .map_err(|error: S3Error| error.kind)
}

#[test]
fn a_fault_does_what_it_says() {
    assert_eq!(body_under(Fault::Error(S3ErrorKind::Server)), Err(S3ErrorKind::Server));
    assert_eq!(body_under(Fault::Replaced(b"new".as_slice().into())), Ok(b"new".to_vec()));
    assert_eq!(body_under(Fault::Removed), Err(S3ErrorKind::NoSuchKey));
    assert_eq!(body_under(Fault::BucketGone), Err(S3ErrorKind::NoSuchBucket));
    assert_eq!(body_under(Fault::NoETags), Ok(b"0123456789".to_vec()));
    assert_eq!(body_under(Fault::ShortBody { after: 4 }), Ok(b"0123".to_vec()));
    assert_eq!(body_under(Fault::BrokenBody { after: 4, kind: S3ErrorKind::Interrupted }), Err(S3ErrorKind::Interrupted));
    assert_eq!(body_under(Fault::WrongByte { at: 2 }), Ok(b"0133456789".to_vec()));
    assert_eq!(body_under(Fault::WrongByte { at: 99 }), Ok(b"0123456788".to_vec()));
    assert_eq!(body_under(Fault::LongBody), Ok(b"0123456789+".to_vec()));
}

#[test]
fn a_listing_can_come_without_etags() {
    let bucket = MemoryBucket::new("b");
    bucket.put(key("a"), "x");
    bucket.on_call(|call| matches!(call, Call::List(_)).then_some(Fault::NoETags));
    let page = block_on(bucket.list_page(ListRequest { prefix: String::new(), from: PageCursor::Start, max_keys: 1000 })).expect("a page");
    assert_eq!(page.objects.iter().map(|(_, facts)| facts.etag.clone()).collect::<Vec<_>>(), [None]);
    assert!(block_on(bucket.head_object(&key("a"))).expect("a head").facts.etag.is_some());
}

#[test]
fn every_call_is_counted_and_the_hook_may_change_the_bucket() {
    let bucket = Arc::new(MemoryBucket::new("b"));
    let inside = Arc::downgrade(&bucket);
    bucket.on_call(move |call| {
        if let (Call::HeadBucket, Some(bucket)) = (call, inside.upgrade()) {
            bucket.put(key("a"), "x");
        }
        None
    });
    block_on(async {
        assert!(bucket.head_object(&key("a")).await.is_err());
        bucket.head_bucket().await.expect("it exists");
        assert!(bucket.head_object(&key("a")).await.is_ok());
        assert!(bucket.get_object(get("a")).await.is_ok());
    });
    assert_eq!(bucket.calls(), CallCounts { head_buckets: 1, heads: 2, gets: 1, ..CallCounts::default() });
}

#[test]
fn a_recreated_bucket_is_empty() {
    let bucket = MemoryBucket::new("b");
    bucket.put(key("a"), "x");
    bucket.vanish();
    let kind = |error: S3Error| error.kind;
    assert_eq!(block_on(bucket.head_bucket()).map_err(kind), Err(S3ErrorKind::NoSuchBucket));
    assert_eq!(block_on(bucket.head_object(&key("a"))).map_err(kind), Err(S3ErrorKind::NoSuchKey));
    bucket.recreate();
    assert_eq!(block_on(bucket.head_bucket()).map_err(kind), Ok(()));
    assert!(!bucket.remove(&key("a")));
}

#[test]
fn an_archived_object_has_a_head_and_no_body() {
    let bucket = MemoryBucket::new("b");
    bucket.put(key("a"), MemoryObject::new("x").archived());
    assert_eq!(block_on(bucket.head_object(&key("a"))).expect("a head").facts.storage_class.as_deref(), Some("GLACIER"));
    assert_eq!(block_on(bucket.get_object(get("a"))).err().map(|error| error.kind), Some(S3ErrorKind::Archived));
}
