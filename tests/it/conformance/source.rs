//! What every implementation of a source must do, as functions over the trait that respect how it lists.

use super::canned::{Answer, Canned};
use super::s3::{Seeds, over_http, seeds};
use crate::memory_source::{MemorySource, Order, SourceTrouble};
use futures::TryStreamExt as _;
use mock_s3::{MockS3, Options};
use s3_sync::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind};
use s3_sync::record::{ETag, Fingerprint, ObjectKey, ObservationSeq};
use s3_sync::retry::{Disposition, RetryPolicy};
use s3_sync::s3::{Call, Fault, MemoryBucket, S3ErrorKind};
use s3_sync::source::{BucketSource, Opened, PageCursor, Source, look_up, look_up_each};
use s3_sync::transfer::{Verification, verified};
use std::sync::Arc;

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("a key")
}

/// No listing of the seeds has this many pages: one with more does not end.
const PAGES_MAX: usize = 500;

/// The keys of each page.
async fn pages(source: &dyn Source, most: u16) -> Vec<Vec<ObjectKey>> {
    let (mut pages, mut from) = (Vec::new(), PageCursor::Start);
    loop {
        let page = source.page(&from, most).await.expect("a page");
        pages.push(page.objects.into_iter().map(|(key, _)| key).collect());
        assert!(pages.len() <= PAGES_MAX, "the listing does not end");
        match page.next {
            Some(next) => from = next,
            None => return pages,
        }
    }
}

async fn a_listing_shows_every_key_once_whatever_the_page(source: &dyn Source, seeds: &Seeds) {
    let expected: Vec<_> = seeds.keys().cloned().collect();
    for most in [1, 7, 1000] {
        let pages = pages(source, most).await;
        assert!(pages.iter().all(|page| page.len() <= usize::from(most) && !page.is_empty()), "pages of {most}");
        let mut shown = pages.concat();
        if !source.lists_in_key_order() {
            shown.sort();
        }
        assert_eq!(shown, expected, "pages of {most}");
    }
}

async fn a_listing_in_key_order_goes_on_after_any_key(source: &dyn Source, seeds: &Seeds) {
    if !source.lists_in_key_order() {
        return;
    }
    for after in ["p/a+", "p/\u{fffd}", "a", "q", "zzz"] {
        let page = source.page(&PageCursor::After(key(after)), 1).await.expect("a page");
        let next = seeds.keys().find(|seed| **seed > key(after)).cloned();
        assert_eq!(page.objects.into_iter().map(|(key, _)| key).next(), next, "after {after:?}");
        // Its cursor, of either kind, continues after this page.
        if let Some(cursor) = page.next {
            let page = source.page(&cursor, 1).await.expect("a page");
            let next = seeds.keys().filter(|seed| **seed > key(after)).nth(1).cloned();
            assert_eq!(page.objects.into_iter().map(|(key, _)| key).next(), next, "after the one after {after:?}");
        }
    }
}

/// A cursor can be reused: the same request returns the same page, for example after a lost response.
async fn a_cursor_can_be_used_again(source: &dyn Source) {
    let mut from = PageCursor::Start;
    loop {
        let page = source.page(&from, 2).await.expect("a page");
        assert_eq!(source.page(&from, 2).await.expect("a page"), page, "{from:?}");
        match page.next {
            Some(next) if next == from => panic!("{from:?} leads to itself"),
            Some(next) => from = next,
            None => return,
        }
    }
}

async fn whole(source: &dyn Source, key: &ObjectKey, opened: Opened) -> Result<(Vec<u8>, Option<Verification>), EndpointError> {
    let (body, verdict) = verified(opened.body, (source.id(), key), opened.facts.size, opened.checksum);
    let chunks: Vec<_> = body.try_collect().await?;
    Ok((chunks.concat(), verdict.get().and_then(|verdict| verdict.clone().ok())))
}

async fn a_listing_a_lookup_and_a_read_agree(source: &dyn Source, seeds: &Seeds) {
    let page = source.page(&PageCursor::Start, 1000).await.expect("a page");
    assert_eq!(page.objects.len(), seeds.len());
    for (key, listed) in page.objects {
        let seen = source.stat(&key).await.expect("a lookup").expect("it is there");
        let expected = seen.fingerprint().expect("a lookup returns a fingerprint");
        let opened = source.open(&key, Some(&expected), None).await.expect("an object");
        assert_eq!((opened.facts.fingerprint(), listed.fingerprint()), (seen.fingerprint(), seen.fingerprint()), "{key}");
        let (bytes, verification) = whole(source, &key, opened).await.expect("a right body");
        assert_eq!(bytes, seeds[&key], "{key}");
        assert!(matches!(verification, Some(Verification::Verified(_))), "{key}: {verification:?}");
    }
}

async fn a_range_is_these_bytes_of_the_whole(source: &dyn Source, seeds: &Seeds) {
    let key = key("p/a+b c%20d");
    let bytes = &seeds[&key];
    for (range, expected) in [(0..1, &bytes[0..1]), (2..7, &bytes[2..7]), (5..1000, &bytes[5..])] {
        let opened = source.open(&key, None, Some(range.clone())).await.expect("a range");
        assert_eq!((opened.facts.size, opened.checksum), (bytes.len() as u64, None), "the facts are those of the whole object");
        let part: Vec<_> = opened.body.try_collect().await.expect("a body");
        assert_eq!(part.concat(), expected, "{range:?}");
    }
}

async fn what_is_not_as_expected_is_not_opened(source: &dyn Source, seeds: &Seeds) {
    let there = key("p/a");
    let now = source.stat(&there).await.expect("a lookup").and_then(|facts| facts.fingerprint()).expect("a fingerprint");
    let another = Fingerprint { etag: ETag::parse("another").expect("a tag"), ..now.clone() };
    let failed = source.open(&there, Some(&another), None).await.map(drop).expect_err("it is another object");
    assert_eq!(failed.kind, EndpointErrorKind::Replaced, "{failed}");
    of(source, &failed);
    let longer = Fingerprint { size: now.size + 1, ..now };
    let failed = source.open(&there, Some(&longer), None).await.map(drop).expect_err("it has another size");
    assert!(matches!(failed.kind, EndpointErrorKind::Replaced | EndpointErrorKind::Corrupt), "{failed}");
    assert_eq!(source.stat(&key("nowhere")).await.expect("a lookup"), None);
    let failed = source.open(&key("nowhere"), None, None).await.map(drop).expect_err("nothing is there");
    assert_eq!(failed.kind, EndpointErrorKind::NotFound, "{failed}");
    assert!(seeds.contains_key(&there));
}

/// Asserts that the error names the source as its endpoint and says that a read has no effect.
fn of(source: &dyn Source, failed: &EndpointError) {
    assert_eq!((&failed.endpoint, failed.effect), (source.id(), EffectCertainty::None), "{failed}");
    assert!(failed.reason.starts_with(source.id().protocol()), "{}", failed.reason);
}

/// A missing source may show nothing at a key, but its check fails.
async fn a_missing_source_says_so(missing: &dyn Source) {
    missing.check().await.expect_err("it is missing");
    for failed in
        [missing.check().await, missing.page(&PageCursor::Start, 10).await.map(drop), missing.open(&key("p/a"), None, None).await.map(drop)]
    {
        let failed = failed.expect_err("it is missing");
        assert!(matches!(failed.disposition, Disposition::Stop { .. }), "{failed}");
        of(missing, &failed);
    }
    assert!(!matches!(missing.stat(&key("p/a")).await, Ok(Some(_))));
    let lookup = look_up(missing, &key("p/a"), RetryPolicy { attempts: 1, ..RetryPolicy::default() }).await;
    lookup.expect_err("an absence in a missing source is no evidence");
}

/// A source with the seeds, a missing one at the same server, and a way to break off the next body.
async fn conforms(source: &dyn Source, missing: &dyn Source, break_off: &(dyn Fn() + Sync)) {
    let seeds = seeds();
    source.check().await.expect("it is there");
    a_listing_shows_every_key_once_whatever_the_page(source, &seeds).await;
    a_listing_in_key_order_goes_on_after_any_key(source, &seeds).await;
    a_cursor_can_be_used_again(source).await;
    a_listing_a_lookup_and_a_read_agree(source, &seeds).await;
    a_range_is_these_bytes_of_the_whole(source, &seeds).await;
    what_is_not_as_expected_is_not_opened(source, &seeds).await;
    a_missing_source_says_so(missing).await;

    break_off();
    let long = key("p/a+b c%20d");
    let opened = source.open(&long, None, None).await.expect("headers");
    let failed = whole(source, &long, opened).await.expect_err("half a body");
    assert!(matches!(failed.disposition, Disposition::Retry { .. }), "{failed}");
    of(source, &failed);
}

#[tokio::test]
async fn a_source_in_memory_conforms_in_either_order() {
    for order in [Order::Keys, Order::Tokens] {
        let (source, missing) = (MemorySource::new(order), MemorySource::new(order));
        for (key, body) in seeds() {
            source.put(&key, body);
        }
        missing.vanish();
        conforms(&source, &missing, &|| source.order(SourceTrouble::BreaksOff)).await;
    }
}

#[tokio::test]
async fn a_bucket_in_memory_conforms() {
    let (bucket, missing) = (Arc::new(MemoryBucket::new("b").with_chunk_bytes(2)), MemoryBucket::new("missing"));
    for (key, body) in seeds() {
        bucket.put(key, body);
    }
    missing.vanish();
    let source = BucketSource::new(bucket.clone(), "b", "");
    let break_off = || {
        bucket.on_call(|call| matches!(call, Call::Get(_)).then_some(Fault::BrokenBody { after: 1, kind: S3ErrorKind::Interrupted }));
    };
    conforms(&source, &BucketSource::new(Arc::new(missing), "missing", ""), &break_off).await;
}

#[tokio::test]
async fn a_bucket_over_http_conforms() {
    let server = MockS3::new(Options::default()).start("127.0.0.1:0").await.expect("a free port");
    for (key, body) in seeds() {
        server.server().put("the-bucket", key.as_str(), body, None);
    }
    let (bucket, missing) = (over_http(&server, "the-bucket").await, over_http(&server, "missing-bucket").await);
    let source = BucketSource::new(Arc::new(bucket), "the-bucket", "");
    let break_off = || {
        server.server().order(mock_s3::Matcher::operation("GetObject").times(1), mock_s3::Fault::CloseAfter(1));
    };
    conforms(&source, &BucketSource::new(Arc::new(missing), "missing-bucket", ""), &break_off).await;
    server.stop().await;
}

/// The bucket's double without a network, which the model uses. A store that ignores If-Match returns the current object.
#[cfg(feature = "failpoints")]
#[tokio::test]
async fn the_bucket_of_the_model_conforms() {
    use crate::model::bucket_alone;
    for honours_if_match in [true, false] {
        let ((bucket, world), (missing, lost)) = (bucket_alone(honours_if_match), bucket_alone(honours_if_match));
        for (key, body) in seeds() {
            world.put(key, body);
        }
        lost.lose_the_bucket();
        let (source, missing) = (BucketSource::new(bucket, "model", ""), BucketSource::new(missing, "missing", ""));
        conforms(&source, &missing, &|| world.break_the_next_body()).await;
    }
}

/// Without an ETag, content could not be compared later.
#[tokio::test]
async fn an_answer_without_an_etag_is_an_error() {
    let server = Canned::start(Answer::whole(200, &[], "x")).await;
    let source = BucketSource::new(Arc::new(super::s3_wire::bucket(&server.endpoint).await), "the-bucket", "");
    let failed = source.open(&key("k"), None, None).await.map(drop).expect_err("no ETag");
    assert!(failed.message.contains("the answer has no ETag"), "{failed}");
    of(&source, &failed);
}

#[tokio::test]
async fn a_prefix_is_all_that_a_bucket_lists() {
    let bucket = Arc::new(MemoryBucket::new("b"));
    for (key, body) in seeds() {
        bucket.put(key, body);
    }
    let source = BucketSource::new(bucket, "b", "p/");
    let expected: Vec<_> = seeds().into_keys().filter(|key| key.as_str().starts_with("p/")).collect();
    assert_eq!(pages(&source, 2).await.concat(), expected);
}

/// An absence counts if the source answers after it. A failed lookup is reported separately and affects no other key.
#[tokio::test]
async fn an_absence_counts_only_if_the_source_answers_after_it() {
    let source = Arc::new(MemorySource::new(Order::Keys));
    source.put(&key("a"), "a");
    let once = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    let shared: Arc<dyn Source> = source.clone();
    let lookups = look_up_each(&shared, vec![key("a"), key("gone")], ObservationSeq(7), 2, once).await.expect("it answers");
    let found: Vec<_> = lookups.found.iter().map(|seen| (seen.path.as_str(), seen.facts.is_some(), seen.seq)).collect();
    assert_eq!((found, lookups.failed.len()), (vec![("a", true, ObservationSeq(7)), ("gone", false, ObservationSeq(7))], 0));

    source.order(SourceTrouble::Fails);
    let lookups = look_up_each(&shared, vec![key("a"), key("gone")], ObservationSeq(8), 1, once).await.expect("it answers");
    assert_eq!((lookups.found.len(), lookups.failed.len()), (1, 1), "one failed, and the other is gone");

    source.vanish();
    look_up_each(&shared, vec![key("gone")], ObservationSeq(9), 1, once).await.expect_err("nothing is known of a source that is missing");
    // The bucket is deleted at the lookup, or after a failed lookup: only a check after the lookup shows it.
    let goes_with_the_lookup: fn(&Call<'_>) -> Option<Fault> = |call| matches!(call, Call::Head(_)).then_some(Fault::BucketGone);
    let goes_after_a_failed_lookup: fn(&Call<'_>) -> Option<Fault> = |call| match call {
        Call::Head(_) => Some(Fault::Error(S3ErrorKind::Server)),
        Call::HeadBucket => Some(Fault::BucketGone),
        _ => None,
    };
    for trouble in [goes_with_the_lookup, goes_after_a_failed_lookup] {
        let source = || -> Arc<dyn Source> {
            let bucket = MemoryBucket::new("b");
            bucket.on_call(trouble);
            Arc::new(BucketSource::new(Arc::new(bucket), "b", ""))
        };
        look_up(&*source(), &key("gone"), once).await.expect_err("it is missing");
        look_up_each(&source(), vec![key("gone")], ObservationSeq(10), 1, once).await.expect_err("it is missing");
    }
}
