//! Documents of listings, before and after they are mended.

use super::*;

fn mended(document: &[u8]) -> (String, Mended) {
    let mend = MendListing::default();
    let text = String::from_utf8(mend.mended(document.to_vec())).expect("UTF-8");
    (text, mend.into_findings())
}

fn text(document: &[u8]) -> String {
    mended(document).0
}

#[test]
fn what_can_be_parsed_stays() {
    for document in [
        "<R><Key>a</Key><LastModified>2018-03-13T17:25:04.123Z</LastModified><Size>1</Size><MaxKeys>5</MaxKeys></R>",
        "<R xmlns=\"x\"><Owner><ID>a&amp;b</ID><DisplayName>J\u{f6}rg</DisplayName></Owner></R>",
        "<R><LastModified>2018-03-13T17:25:04+01:00</LastModified></R>",
        // An entry without a key is refused later. A size that is not an entry's is not read.
        "<R><Contents><Key/></Contents><Size>many</Size></R>",
        "<R><Contents><Key>a</Key><!-- <MaxKeys>x</MaxKeys> <![CDATA[ --></Contents></R>",
        "<R><Contents><Key>&lt;MaxKeys&gt;x&lt;/MaxKeys&gt;</Key></Contents></R>",
        "<R><LastModified>never",
        "<R><Contents></R></R></R></Contents>",
        "no XML",
        "",
    ] {
        let (text, found) = mended(document.as_bytes());
        assert_eq!((text.as_str(), found.refused), (document, None));
    }
}

#[test]
fn what_only_describes_and_cannot_be_parsed_is_left_out() {
    for time in ["2018-03-13T17:25:04.123", "", "yesterday", "1520961904", "<At>2018</At>", "2018-13-13T17:25:04Z"] {
        assert_eq!(
            text(format!("<R><Key>a</Key><LastModified>{time}</LastModified><Size>1</Size></R>").as_bytes()),
            "<R><Key>a</Key><Size>1</Size></R>"
        );
    }
    for (document, expected) in [
        ("<R><LastModified/><Key>a</Key></R>", "<R><Key>a</Key></R>"),
        ("<R><s:LastModified a=\"b\">x</s:LastModified ><Key>a</Key></R>", "<R><Key>a</Key></R>"),
        ("<R><MaxKeys>99999999999</MaxKeys><KeyCount>-</KeyCount></R>", "<R></R>"),
        ("<R><RestoreStatus><IsRestoreInProgress>TRUE</IsRestoreInProgress></RestoreStatus></R>", "<R><RestoreStatus></RestoreStatus></R>"),
    ] {
        assert_eq!(text(document.as_bytes()), expected);
    }
    assert_eq!(text(b"<R><DisplayName>A & B</DisplayName><ID>&lt;\x01</ID></R>"), "<R></R>");
    assert_eq!(text(b"<R><ID>1</ID><DisplayName>J\xf6rg</DisplayName><Key>a</Key></R>"), "<R><ID>1</ID><Key>a</Key></R>");
}

#[test]
fn a_size_that_cannot_be_read_is_left_out_and_so_are_two_different_ones() {
    for size in ["many", " 1 ", "-1", "", "99999999999999999999", "1</Size><Size>2"] {
        let document = format!("<R><Contents><Key>a</Key><Size>{size}</Size></Contents></R>");
        assert_eq!(text(document.as_bytes()), "<R><Contents><Key>a</Key></Contents></R>", "{size}");
    }
}

#[test]
fn cdata_sections_become_plain_text() {
    let document = b"<?x <![CDATA[?><R><Contents><Key>a<![CDATA[<LastModified>never</LastModified>&]]>b</Key></Contents></R>";
    let expected = "<?x <![CDATA[?><R><Contents><Key>a&lt;LastModified&gt;never&lt;/LastModified&gt;&amp;b</Key></Contents></R>";
    assert_eq!(text(document), expected);
    for unended in ["<R><Key><![CDATA[a</Key></R>", "<R><!-- <![CDATA[a]]>", "<![CDATA["] {
        assert_eq!(text(unended.as_bytes()), unended);
    }
}

#[test]
fn an_etag_that_no_header_can_carry_is_left_out() {
    for (etag, stays) in [
        ("&quot;a&quot;", true),
        ("&#34;a&#x22;", true),
        ("\n \"a\"\n", true),
        ("\"&#0;\"", false),
        ("&#10;", false),
        ("&#x;", false),
        ("\u{f6}", false),
        ("a\tb", false),
        ("&#9999999999;", false),
    ] {
        assert_eq!(text(format!("<R><ETag>{etag}</ETag></R>").as_bytes()).contains("ETag"), stays, "{etag}");
    }
}

/// An element that no version of S3 defines made the SDK refuse the whole page if it held one byte that is not UTF-8.
#[test]
fn an_element_that_is_not_read_keeps_no_page_from_being_read() {
    let (text, found) = mended(b"<R><Contents><Key>a</Key><Meta><Author>J\xf6rg</Author><Note>&nbsp;</Note></Meta></Contents></R>");
    assert_eq!(text, "<R><Contents><Key>a</Key><Meta></Meta></Contents></R>");
    assert_eq!(found.left_out, BTreeMap::from([("other", 2)]));
}

#[test]
fn an_etag_that_cannot_be_read_or_is_ambiguous_is_unknown() {
    assert_eq!(text(b"<R><Contents><ETag>\xe9</ETag></Contents></R>"), "<R><Contents></Contents></R>");
    let two = text(b"<R><Contents><ETag>a</ETag><ETag>b</ETag></Contents><Contents><ETag>c</ETag><ETag>c</ETag></Contents></R>");
    assert_eq!(two, "<R><Contents></Contents><Contents><ETag>c</ETag><ETag>c</ETag></Contents></R>");
}

#[test]
fn an_unreadable_token_is_left_out_beside_the_flag() {
    let page = |flag: &str, token: &str| format!("<R>{flag}<NextContinuationToken>{token}</NextContinuationToken></R>");
    let flag = "<IsTruncated>true</IsTruncated>";
    assert_eq!(text(page(flag, "a\u{ffff}").as_bytes()), "<R><IsTruncated>true</IsTruncated></R>");
    for token in ["a b", "&#x1b;"] {
        assert_eq!(text(page(flag, token).as_bytes()), page(flag, token));
    }
    let (_, found) = mended(page("", "a\u{ffff}").as_bytes());
    assert_eq!(found.refused, Some(BadElement::NotText("NextContinuationToken")));
}

#[test]
fn an_element_that_decides_is_refused_by_name() {
    for (document, expected) in [
        (&b"<R><Contents><Key>J\xf6rg</Key></Contents></R>"[..], Some(BadElement::NotText("Key"))),
        (b"<R><Contents><Key>a & b</Key></Contents></R>", Some(BadElement::NotText("Key"))),
        (b"<R><Contents><Size>1</Size><Size>2</Size></Contents></R>", None),
        (b"<R><IsTruncated>perhaps\n</IsTruncated></R>", Some(BadElement::NoFlag("perhaps\n".to_owned()))),
        (b"<R><Contents><Size>1</Size><Size>1</Size></Contents><Contents><Size>2</Size></Contents></R>", None),
        (b"<R><IsTruncated>true</IsTruncated><Contents/><IsTruncated>false</IsTruncated></R>", Some(BadElement::Twice("IsTruncated"))),
        // The name elsewhere is another element.
        (b"<R><Contents><Key>a</Key><Tag><Key>J</Key></Tag></Contents></R>", None),
    ] {
        let mend = MendListing::default();
        mend.mended(document.to_vec());
        assert_eq!(mend.into_findings().refused, expected, "{}", String::from_utf8_lossy(document));
    }
}
