//! Bodies cut or changed anywhere: which pass, and how much of them is released.

use super::super::hashing::{BACKGROUND_MIN_BYTES, PIECE_BYTES};
use super::*;
use crate::endpoint::EndpointErrorKind;
use futures::executor::block_on;
use proptest::prelude::*;

/// Verifies the body of `a` in a source of this test.
fn verified(body: ByteStream, size: u64, checksum: Option<Checksum>) -> (ByteStream, BodyVerdict) {
    let key = ObjectKey::new("a").expect("invariant: not empty");
    super::verified(body, (&EndpointId::new("test:it"), &key), size, checksum)
}

/// The body in chunks that end at the given places (in any order, also beyond the end, also twice: empty chunks).
fn chunked(body: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).chain([body.len()]).collect();
    ends.sort_unstable();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, end)| Bytes::copy_from_slice(&body[start..*end])).collect()
}

/// The released bytes, and the result.
fn pass(chunks: Vec<Bytes>, size: usize, checksum: Option<Checksum>) -> (Vec<u8>, Result<Verification, String>) {
    let body = stream::iter(chunks.into_iter().map(Ok)).boxed();
    let (mut stream, verdict) = verified(body, size as u64, checksum);
    let mut released = Vec::new();
    let mut failed = None;
    block_on(async {
        while let Some(item) = stream.next().await {
            assert!(failed.is_none(), "nothing follows an error");
            match item {
                Ok(bytes) => released.extend_from_slice(&bytes),
                Err(error) => failed = Some(error.reason.to_string()),
            }
        }
    });
    let outcome = verdict.get().expect("the body ended").clone().map_err(|error| error.reason.to_string());
    assert_eq!(failed.as_ref(), outcome.as_ref().err(), "the verdict is what the stream ended in");
    (released, outcome)
}

fn algorithm() -> impl Strategy<Value = ChecksumAlgorithm> {
    prop::sample::select(ChecksumAlgorithm::ALL.to_vec())
}

proptest! {
    #[test]
    fn any_body_passes_however_it_is_split(
        body: Vec<u8>, cuts in prop::collection::vec(any::<usize>(), 0..8), algorithm in prop::option::of(algorithm()),
    ) {
        let checksum = algorithm.map(|algorithm| Checksum::of(algorithm, &body));
        let (released, outcome) = pass(chunked(&body, &cuts), body.len(), checksum);
        prop_assert_eq!(released, body);
        prop_assert_eq!(outcome, Ok(algorithm.map_or(Verification::Unverified, Verification::Verified)));
    }

    #[test]
    fn a_flipped_bit_fails_before_the_last_byte(
        body in prop::collection::vec(any::<u8>(), 1..300), cuts in prop::collection::vec(any::<usize>(), 0..8),
        algorithm in algorithm(), at: prop::sample::Index, bit in 0_u8..8,
    ) {
        let mut wrong = body.clone();
        wrong[at.index(body.len())] ^= 1_u8 << bit;
        let (released, outcome) = pass(chunked(&wrong, &cuts), body.len(), Some(Checksum::of(algorithm, &body)));
        prop_assert_eq!(outcome, Err("test_checksum_mismatch".to_owned()));
        prop_assert!(released.len() < body.len());
    }

    #[test]
    fn a_truncated_body_fails_with_or_without_a_checksum(
        body in prop::collection::vec(any::<u8>(), 1..300), cuts in prop::collection::vec(any::<usize>(), 0..8),
        algorithm in prop::option::of(algorithm()), at: prop::sample::Index,
    ) {
        let short = &body[..at.index(body.len())];
        let checksum = algorithm.map(|algorithm| Checksum::of(algorithm, &body));
        let (released, outcome) = pass(chunked(short, &cuts), body.len(), checksum);
        prop_assert_eq!(outcome, Err("test_interrupted".to_owned()));
        prop_assert_eq!(released, short);
    }

    #[test]
    fn an_extended_body_fails_before_the_last_byte(
        body: Vec<u8>, cuts in prop::collection::vec(any::<usize>(), 0..8),
        algorithm in prop::option::of(algorithm()), more in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let long = [body.clone(), more].concat();
        let checksum = algorithm.map(|algorithm| Checksum::of(algorithm, &body));
        let (released, outcome) = pass(chunked(&long, &cuts), body.len(), checksum);
        prop_assert_eq!(outcome, Err("test_checksum_mismatch".to_owned()));
        prop_assert!(released.len() < body.len() || body.is_empty());
    }
}

#[test]
fn an_empty_body_is_verified_too() {
    let right = Checksum::of(ChecksumAlgorithm::Md5, b"");
    assert_eq!(pass(vec![], 0, Some(right)), (vec![], Ok(Verification::Verified(ChecksumAlgorithm::Md5))));
    let wrong = Checksum::of(ChecksumAlgorithm::Md5, b"x");
    assert_eq!(pass(vec![Bytes::new()], 0, Some(wrong)), (vec![], Err("test_checksum_mismatch".to_owned())));
}

#[test]
fn a_chunk_of_many_pieces_is_hashed_whole_and_not_copied() {
    let chunk = Bytes::from(vec![7; 3 * PIECE_BYTES + 1]);
    let body = stream::iter([Ok(chunk.clone())]).boxed();
    let (stream, _) = verified(body, chunk.len() as u64, Some(Checksum::of(ChecksumAlgorithm::Sha1, &chunk)));
    let passed: Vec<_> = block_on(stream.collect());
    let Ok([Ok(released)]) = <[_; 1]>::try_from(passed) else { panic!("one chunk") };
    assert_eq!(released.as_ptr(), chunk.as_ptr());
}

#[tokio::test]
async fn a_large_body_is_hashed_in_the_background_and_released_only_when_it_is_right() {
    let size = usize::try_from(BACKGROUND_MIN_BYTES).expect("it fits") + 3 * PIECE_BYTES;
    let body = Bytes::from((0..size).map(|at| u8::try_from(at % 251).expect("small")).collect::<Vec<_>>());
    let chunks = |body: &Bytes| stream::iter((0..9).map(|part| Ok(body.slice(part * size / 9..(part + 1) * size / 9))).collect::<Vec<_>>());
    let right = Checksum::of(ChecksumAlgorithm::Md5, &body);
    let wrong = Checksum::of(ChecksumAlgorithm::Md5, &body[1..]);
    for (checksum, outcome, released) in
        [(right, Ok(Verification::Verified(ChecksumAlgorithm::Md5)), size), (wrong, Err("test_checksum_mismatch".to_owned()), 8 * size / 9)]
    {
        let (stream, verdict) = verified(chunks(&body).boxed(), size as u64, Some(checksum));
        let passed: Vec<_> = stream.filter_map(|item| async { item.ok() }).collect().await;
        assert_eq!(verdict.get().cloned().expect("the body ended").map_err(|error| error.reason.to_string()), outcome);
        assert!(passed.concat() == body[..released], "{outcome:?}");
    }
}

#[test]
fn the_error_of_the_body_is_found_inside_its_wrappers() {
    let key = ObjectKey::new("a").expect("invariant: not empty");
    let broken = EndpointError::of_content(&EndpointId::new("test"), &key, ContentFault::Replaced, "no bytes for 20 s");
    let body = stream::iter([Ok(Bytes::from_static(b"abc")), Err(broken)]).boxed();
    let (stream, verdict) = verified(body, 10, None);
    let mut items: Vec<_> = block_on(into_content_stream(stream).collect());
    let outer = io::Error::other(items.pop().expect("an item").expect_err("the body broke"));
    assert_eq!(endpoint_error_in(&outer).map(|error| error.kind), Some(EndpointErrorKind::Replaced));
    assert_eq!(verdict.error().map(|error| error.kind), Some(EndpointErrorKind::Replaced));
    assert!(endpoint_error_in(&io::Error::other("something else")).is_none());
}

#[test]
fn a_body_that_was_dropped_has_no_verdict() {
    let (stream, verdict) = verified(stream::pending().boxed(), 10, None);
    drop(stream);
    assert!(verdict.get().is_none());
}
