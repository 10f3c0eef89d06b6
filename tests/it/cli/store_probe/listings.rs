//! The rows about listings: pages, order, spelling.

use super::{PLAIN, Stage, TELLING, check, check_answer, edit, listing, nothing, order};
use mock_s3::{Fault, Matcher, OddListing};

#[tokio::test(flavor = "multi_thread")]
async fn pages_by_token() {
    const NAME: &str = "continuation_token";
    check(&PLAIN, nothing, 0, &[(NAME, "yes", "3 pages of 2 keys, each by the token", "")]).await;
    check(&PLAIN[..2], nothing, 0, &[(NAME, "not_seen", "all keys are on the first page", "")]).await;
    let circles = "goes in circles";
    check(&PLAIN, listing(OddListing::InCircles), 0, &[(NAME, "no", circles, "a sync can run while all keys are on one page")]).await;
    let short_pages = |stage: &mut Stage| {
        stage.setting("LIST_PAGE_KEYS", "4");
        listing(OddListing::InCircles)(stage);
    };
    check(&PLAIN, short_pages, 1, &[(NAME, "failed", circles, "a listing of more than 4 keys (LIST_PAGE_KEYS) cannot be completed")]).await;
    let without = edit("NextContinuationToken", "NoToken");
    check(&PLAIN, without, 0, &[(NAME, "no", "no token is sent: 3 pages", "while the store lists in byte order")]).await;
    let without_order = |stage: &mut Stage| {
        stage.setting("LIST_PAGE_KEYS", "4");
        order(stage, "ListObjectsV2", Fault::Listing(OddListing::DirectoryOrder));
    };
    check(&TELLING, without_order, 0, &[(NAME, "yes", "3 pages", "")]).await;
    // Case L1.
    let empty_pages = |stage: &mut Stage| {
        let pages = Matcher::operation("ListObjectsV2").skip(3).times(2);
        stage.s3.server().order(pages, Fault::Listing(OddListing::EmptyPage));
    };
    check(&PLAIN, empty_pages, 0, &[(NAME, "yes", "4 pages of 2 keys, each by the token of the one before it, 2 of them without", "")])
        .await;
    let busy = |stage: &mut Stage| {
        stage.s3.server().order(Matcher::operation("ListObjectsV2").skip(3), Fault::slow_down(None));
    };
    check(&PLAIN, busy, 0, &[(NAME, "not_seen", "SlowDown", ""), ("start_after", "not_seen", "SlowDown", "")]).await;
}

/// The program panicked at an entry without a key.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_without_a_key_fails_the_first_page_in_the_words_of_a_run() {
    const WORDS: &str = "ListObjectsV2 customer-bucket: an entry without a key";
    for entry in ["<Key></Key>", "<Key/>", ""] {
        let rows = [
            ("first_page", "failed", WORDS, "see the message"),
            // A page that cannot be read shows nothing, neither a lack.
            ("continuation_token", "not_seen", WORDS, ""),
            ("max_keys", "not_seen", "the first page cannot be read", ""),
            ("start_after", "not_seen", "the first page cannot be read", ""),
            ("byte_order", "not_seen", "the first page cannot be read", ""),
            ("key_spelling", "not_seen", "the first page cannot be read", ""),
            ("listed_keys", "not_seen", "the first page cannot be read", ""),
            ("last_modified", "not_seen", "the first page cannot be read", ""),
            ("checksum_of_parts", "not_seen", "the first page cannot be read", ""),
        ];
        check(&PLAIN, edit("<Key>k1.txt</Key>", entry), 1, &rows).await;
    }
    let mut stage = Stage::with(&PLAIN).await;
    edit("<Key>k1.txt</Key>", "<Key/>")(&mut stage);
    stage.expect(&["initial-sync"], 1).await.prints(&[WORDS]);
}

/// The row claimed that a sync can run, and that there is no byte order.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_goes_in_circles_shows_nothing_of_the_order() {
    let order = ("byte_order", "not_seen", "would be so in other orders, too", "");
    check(&PLAIN, listing(OddListing::InCircles), 0, &[order]).await;
    let order = ("byte_order", "yes", "6 keys are in byte order", "");
    check(&TELLING, listing(OddListing::InCircles), 0, &[order]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_after_a_key() {
    const NAME: &str = "start_after";
    check(&PLAIN, nothing, 0, &[(NAME, "yes", "a page after k1.txt begins with k2.txt", "")]).await;
    check(&PLAIN[..2], nothing, 0, &[(NAME, "not_seen", "fewer than 3 keys", "")]).await;
    // Case L2.
    let ignored = listing(OddListing::StartAfterIgnored);
    let pages = ("continuation_token", "yes", "3 pages", "");
    check(&PLAIN, ignored, 0, &[(NAME, "no", "begins before it", "reads the pages before its checkpoint again"), pages]).await;
    let refused = |stage: &mut Stage| {
        let page = Matcher::operation("ListObjectsV2").skip(5).times(1);
        stage.s3.server().order(page, Fault::error(400, "InvalidArgument"));
    };
    check(&PLAIN, refused, 0, &[(NAME, "no", "InvalidArgument", "cannot be resumed")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_and_the_end_of_pages() {
    let yes = [("max_keys", "yes", "no page had more than the 2 keys", ""), ("truncation_flag", "yes", "says that it is the last one", "")];
    check(&PLAIN, nothing, 0, &yes).await;
    let large = listing(OddListing::MaxKeysIgnored);
    check(&PLAIN, large, 0, &[("max_keys", "no", "5 keys on a page of 2", "LIST_PAGE_KEYS has no effect")]).await;
    check(&PLAIN[..2], nothing, 0, &[("max_keys", "not_seen", "no more than 2 keys", "")]).await;
    // Case L3.
    let without = edit("<IsTruncated>false</IsTruncated>", "");
    check(&PLAIN, without, 0, &[("truncation_flag", "no", "no IsTruncated", "a page without a token counts as the last")]).await;
    // The first page of a large bucket is not the last one: a key alone is listed.
    let many: Vec<_> = (0..12).map(|number| format!("{number:02}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let small = |stage: &mut Stage| stage.setting("LIST_PAGE_KEYS", "3");
    check(&many, small, 0, &[("first_page", "yes", "3 keys on a page of at most 3; more follow", ""), yes[1]]).await;
    let nested = ["k", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"];
    let one = |stage: &mut Stage| stage.setting("LIST_PAGE_KEYS", "1");
    check(&nested, one, 0, &[("truncation_flag", "not_seen", "no last page", "")]).await;
}

/// Case L4.
#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_keys() {
    const NAME: &str = "byte_order";
    check(&TELLING, nothing, 0, &[(NAME, "yes", "6 keys are in byte order, which for them differs from that of a walk", "")]).await;
    check(&["B", "a"], nothing, 0, &[(NAME, "yes", "differs from one without regard to case", "")]).await;
    check(&PLAIN, nothing, 0, &[(NAME, "not_seen", "would be so in other orders, too", "")]).await;
    let by_directory = listing(OddListing::DirectoryOrder);
    let row =
        (NAME, "no", "a/b.txt comes before a b+c.txt", "deletes are found by complete listings only, and an interrupted listing starts");
    check(&TELLING, by_directory, 0, &[row]).await;
}

/// Case L5.
#[tokio::test(flavor = "multi_thread")]
async fn the_spelling_of_keys() {
    const NAME: &str = "key_spelling";
    check(&TELLING, nothing, 0, &[(NAME, "yes", "url-encoded, as the store says: a+b%2Bc.txt is a b+c.txt", "")]).await;
    check(&PLAIN, nothing, 0, &[(NAME, "not_seen", "no key among the first 5 has a space, a + or a %", "")]).await;
    let undeclared = listing(OddListing::PlainUndeclared);
    check(&PLAIN, undeclared, 0, &[(NAME, "not_seen", "no key among the first 5 has a space, a + or a %", "")]).await;
    let raw = (NAME, "no", "a b+c.txt is a key as it is, although the store says that it encodes keys", "costs a lookup of each");
    check(&TELLING, listing(OddListing::PlainDeclared), 0, &[raw]).await;
    let cannot_be_decoded = (NAME, "no", "100%.txt is a key as it is, although", "the state keeps the answer");
    check(&["100%.txt", "k1.txt"], listing(OddListing::PlainDeclared), 0, &[cannot_be_decoded]).await;
    let not_declared = (NAME, "yes", "as they are, as the store says: a b+c.txt", "");
    check(&TELLING, listing(OddListing::PlainUndeclared), 0, &[not_declared]).await;
    let encoded = (NAME, "no", "encoded, although the store does not say so: a+b%2Bc.txt is a b+c.txt", "");
    check_answer(&TELLING, listing(OddListing::FormUndeclared), encoded).await;
    let percent = (NAME, "no", "encoded, but a + is itself: a+b%20c.txt is a+b c.txt", "");
    check_answer(&["a+b c.txt", "k1.txt"], listing(OddListing::PercentDeclared), percent).await;
    let space = (NAME, "yes", "url-encoded, as the store says: b%20c.txt is b c.txt", "");
    check_answer(&["a.txt", "b c.txt"], listing(OddListing::PercentDeclared), space).await;
    let not_ascii = (NAME, "no", "\u{e9}.txt is a key as it is, although the store says that it encodes keys", "");
    check_answer(&["k1.txt", "\u{e9}.txt"], listing(OddListing::PlainDeclared), not_ascii).await;
    // Read as forms, these keys would stand in another order.
    let in_order = ("byte_order", "yes", "3 keys are in byte order", "");
    check(&["a!b.txt", "a+b.txt", "a+b/c.txt"], listing(OddListing::PlainDeclared), 0, &[in_order]).await;
    // Both readings exist: the key shows nothing.
    let both = (NAME, "not_seen", "2 of the 2 readings of a+b.txt exist", "");
    check_answer(&["a b.txt", "a+b.txt"], edit("a%2Bb.txt", "a+b.txt"), both).await;
    let refused = |stage: &mut Stage| {
        stage.s3.server().order(Matcher::operation("HeadObject").skip(1).times(1), Fault::internal_error());
    };
    check_answer(&["a.txt", "b c.txt"], refused, (NAME, "not_seen", "500", "")).await;
}
