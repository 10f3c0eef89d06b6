//! Listings as servers return them, page by page.

use super::*;

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn page(keys: &[&str], next: Option<PageCursor>) -> SourcePage {
    let facts = ObjectFacts { size: 1, etag: None, last_modified: None, storage_class: None, version_id: None };
    SourcePage { objects: keys.iter().map(|raw| (key(raw), facts.clone())).collect(), next, ..SourcePage::default() }
}

fn token(token: &str) -> PageCursor {
    PageCursor::Token(token.to_owned())
}

fn range(after: Option<&str>, up_to: Option<&str>) -> Coverage {
    Coverage::Range(after.map(key), up_to.map(key))
}

#[test]
fn pages_in_order_cover_the_source_without_gaps() {
    let mut walk = Walk::from_start();
    assert_eq!(walk.next(), Some(&PageCursor::Start));
    assert_eq!(walk.take(&page(&["a", "b"], Some(token("1")))), Ok(range(None, Some("b"))));
    assert_eq!(walk.take(&page(&[], Some(token("2")))), Ok(Coverage::Nothing));
    assert_eq!(walk.take(&page(&["d"], Some(PageCursor::After(key("d"))))), Ok(range(Some("b"), Some("d"))));
    assert_eq!(walk.take(&page(&[], None)), Ok(range(Some("d"), None)));
    assert_eq!(walk.next(), None);
}

#[test]
fn a_resumed_listing_covers_what_follows_its_checkpoint() {
    let mut walk = Walk::resumed(key("c"));
    assert_eq!(walk.next(), Some(&PageCursor::After(key("c"))));
    // A server that ignores the start key.
    assert_eq!(walk.take(&page(&["a", "b"], Some(token("1")))), Ok(range(Some("c"), Some("c"))));
    assert_eq!(walk.take(&page(&["c", "d"], Some(token("2")))), Ok(range(Some("c"), Some("d"))));
    assert_eq!(walk.take(&page(&["e"], None)), Ok(range(Some("d"), None)));
}

/// For every length of the cycle and of the pages before it.
#[test]
fn a_cycle_of_pages_is_detected() {
    for (way_in, length) in [(0_u32, 1_u32), (0, 2), (3, 1), (5, 7), (100, 13)] {
        let mut circle = CircleDetector::default();
        let name = |number: u32| key(&format!("{number:05}"));
        let numbers = (0..way_in).chain((way_in..way_in + length).cycle());
        let detected = numbers.take(1000).position(|number| circle.is_returned_again((&name(number), &name(number), 1)));
        assert!(detected.is_some(), "{way_in}, {length}");
    }
    let mut circle = CircleDetector::default();
    let repeated = (0..10_000).any(|number| circle.is_returned_again((&key(&format!("{number:05}")), &key(&format!("{number:05}x")), 2)));
    assert!(!repeated, "each page is another one");
}

#[test]
fn a_listing_without_progress_ends() {
    let mut walk = Walk::from_start();
    assert!(walk.take(&page(&["a"], Some(token("1")))).is_ok());
    assert_eq!(walk.clone().take(&page(&[], Some(token("1")))), Err(NoProgress::SameToken));
    assert_eq!(walk.clone().take(&page(&["a"], Some(token("2")))), Err(NoProgress::SamePage { first: key("a"), last: key("a") }));
    // A constant token whose pages make progress is no cycle.
    assert!(walk.clone().take(&page(&["b"], Some(token("1")))).is_ok());
    for number in 0..MAX_EMPTY_PAGES {
        assert_eq!(walk.take(&page(&[], Some(token(&format!("e{number}"))))), Ok(Coverage::Nothing));
    }
    assert_eq!(walk.take(&page(&[], Some(token("e")))), Err(NoProgress::EmptyPages));
}

#[test]
fn without_byte_order_a_page_covers_only_its_own_objects() {
    let mut walk = Walk::from_start();
    assert_eq!(walk.take(&page(&["a/b"], Some(token("1")))), Ok(range(None, Some("a/b"))));
    assert_eq!(walk.take(&page(&["a"], Some(token("2")))), Ok(Coverage::OutOfOrder));
    assert_eq!(walk.take(&page(&["b"], Some(token("3")))), Ok(Coverage::OutOfOrder));
    assert_eq!(walk.take(&page(&[], None)), Ok(Coverage::OutOfOrder));
    assert_eq!(walk.next(), None);
    // Disorder inside a page, and a key that occurs twice.
    assert_eq!(Walk::from_start().take(&page(&["b", "a"], None)), Ok(Coverage::OutOfOrder));
    assert_eq!(Walk::from_start().take(&page(&["a", "a"], None)), Ok(Coverage::OutOfOrder));
    // The order of UTF-16 code units, which some servers use.
    assert_eq!(Walk::from_start().take(&page(&["\u{10000}", "\u{ffff}"], None)), Ok(Coverage::OutOfOrder));
}

#[test]
fn a_resumed_listing_without_byte_order_starts_over_once() {
    let mut walk = Walk::resumed(key("a/b"));
    assert_eq!(walk.take(&page(&["c/d"], Some(token("1")))), Ok(range(Some("a/b"), Some("c/d"))));
    assert_eq!(walk.take(&page(&["c"], Some(token("2")))), Ok(Coverage::StartsOver));
    assert_eq!(walk.next(), Some(&PageCursor::Start));
    assert_eq!(walk.take(&page(&["c/d"], Some(token("1")))), Ok(range(None, Some("c/d"))));
    assert_eq!(walk.take(&page(&["c"], None)), Ok(Coverage::OutOfOrder));
}

#[test]
fn a_listing_by_keys_must_be_in_byte_order() {
    let by_key = |raw| Some(PageCursor::After(key(raw)));
    assert_eq!(Walk::from_start().take(&page(&["b", "a"], by_key("a"))), Err(NoProgress::NoToken));
    let mut walk = Walk::from_start();
    assert_eq!(walk.take(&page(&["b"], by_key("b"))), Ok(range(None, Some("b"))));
    assert_eq!(walk.take(&page(&["a"], None)), Err(NoProgress::NoToken));
}
