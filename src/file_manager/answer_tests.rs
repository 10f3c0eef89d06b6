//! Tables of responses and their meaning.

use super::*;
use reqwest::header::HeaderValue;

const NOW: &str = "1994-11-06T08:49:30Z";

fn kind_of(code: u16, headers: &[(&'static str, &'static str)], body: &str, about: About) -> (FileManagerErrorKind, String) {
    let headers = headers.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value))).collect();
    refusal(StatusCode::from_u16(code).expect("a status"), &headers, body.as_bytes(), about, NOW.parse().expect("a time"))
}

#[test]
fn each_status_is_classified() {
    use FileManagerErrorKind::{BadAnswer, Busy, NotFound, Refused, Taken, Unauthorised};
    let file_missing = r#"{"detail":"File not found"}"#;
    let taken = r#"{"detail":"Path is taken"}"#;
    let after_2_secs: &[_] = &[("retry-after", "2")];
    for (code, headers, body, about, expected) in [
        (400, &[][..], "", About::Path, Refused { status: 400 }),
        (401, &[], "", About::Path, Unauthorised { status: 401 }),
        (403, &[], "", About::Address, Unauthorised { status: 403 }),
        (404, &[], file_missing, About::Path, NotFound),
        (404, &[], file_missing, About::Address, Refused { status: 404 }),
        (404, &[], r#"{"detail":"Not Found"}"#, About::Path, Refused { status: 404 }),
        (404, &[], "<html>nginx</html>", About::Path, Refused { status: 404 }),
        (404, &[], "", About::Path, Refused { status: 404 }),
        (408, &[], "", About::Path, Busy { status: 408, after: None }),
        (409, &[], taken, About::Path, Taken),
        (409, after_2_secs, taken, About::Path, Busy { status: 409, after: Some(Duration::from_secs(2)) }),
        (409, &[("retry-after", "soon")], taken, About::Path, Busy { status: 409, after: None }),
        (409, &[], "", About::Address, Refused { status: 409 }),
        (413, &[], "", About::Path, Refused { status: 413 }),
        (415, &[], "", About::Path, Refused { status: 415 }),
        (422, after_2_secs, "", About::Path, Refused { status: 422 }),
        (425, &[], "", About::Path, Busy { status: 425, after: None }),
        (429, after_2_secs, "", About::Path, Busy { status: 429, after: Some(Duration::from_secs(2)) }),
        (500, &[], "", About::Path, Busy { status: 500, after: None }),
        (503, after_2_secs, "", About::Address, Busy { status: 503, after: Some(Duration::from_secs(2)) }),
        (599, &[], "", About::Path, Busy { status: 599, after: None }),
        (301, &[], "", About::Path, BadAnswer),
        (303, &[], "", About::Path, BadAnswer),
    ] {
        assert_eq!(kind_of(code, headers, body, about).0, expected, "{code} {headers:?} {body} {about:?}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    const LATER: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (headers, expected_secs) in [
        (&[("retry-after", "0")][..], Some(0)),
        (&[("retry-after", " 120 ")], Some(120)),
        (&[("retry-after", LATER)], Some(7)),
        (&[("retry-after", LATER), ("date", "Sun, 06 Nov 1994 08:49:07 GMT")], Some(30)),
        (&[("retry-after", LATER), ("date", "yesterday")], Some(7)),
        (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "99999999999999999999999")], None),
        (&[], None),
    ] {
        let expected = FileManagerErrorKind::Busy { status: 503, after: expected_secs.map(Duration::from_secs) };
        assert_eq!(kind_of(503, headers, "", About::Path).0, expected, "{headers:?}");
    }
}

#[test]
fn a_refusal_keeps_the_server_s_message() {
    let missing = r#"{"detail":[{"type":"missing","loc":["body","file_path"],"msg":"Field required","input":null},
        {"type":"int_parsing","loc":["body","parts",3],"msg":"not a number"}]}"#;
    for (code, body, expected) in [
        (422, missing, "answered 422 Unprocessable Entity: body.file_path: Field required; body.parts.3: not a number"),
        (400, r#"{"detail":"Invalid operation"}"#, "answered 400 Bad Request: Invalid operation"),
        (400, r#"{"detail":{"code":7}}"#, r#"answered 400 Bad Request: {"code":7}"#),
        (400, r#"{"detail":[{"msg":"no place"}]}"#, "answered 400 Bad Request: no place"),
        (500, r#"{"error":"disk full"}"#, "answered 500 Internal Server Error: disk full"),
        (500, r#"{"detail":null}"#, r#"answered 500 Internal Server Error: {"detail":null}"#),
        (502, "  <h1>Bad Gateway</h1>\n", "answered 502 Bad Gateway: <h1>Bad Gateway</h1>"),
        (404, r#"{"detail":"Not Found"}"#, "answered 404 Not Found: this address has no such call"),
        (302, "", "answered 302 Found: redirects are not followed"),
        (599, "", "answered 599"),
    ] {
        assert_eq!(kind_of(code, &[], body, About::Path).1, expected, "{code} {body}");
    }
}

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("a key")
}

#[test]
fn permissions_are_read_and_their_shape_is_required() {
    let whole = r#"{"file_path":"/a","permissions":"0644","owner":null,"group":"","last_updated":"x","more":1}"#;
    let expected = Permissions { permissions: Some("0644".to_owned()), owner: None, group: None };
    assert_eq!(permissions(whole.as_bytes(), &key("a")), Ok(expected));
    for (body, words) in [
        (whole.replace(r#""owner":null,"#, ""), "missing field `owner`"),
        (whole.replace(r#","last_updated":"x""#, ""), "missing field `last_updated`"),
        (whole.replace("/a", "/b"), "another path, `/b`"),
        ("[]".to_owned(), "invalid length 0"),
        ("<html>".to_owned(), "expected value"),
        (String::new(), "EOF"),
    ] {
        let refused = permissions(body.as_bytes(), &key("a")).expect_err(&body);
        assert!(refused.contains(words), "{body}: {refused}");
    }
}

#[test]
fn the_response_of_a_save_is_read_and_its_shape_is_required() {
    let whole = r#"{"internal_id":"7","file_path":"a","operation":"create","size":5,"saved_at":"x","status":"success","new_path":null,"metadata":{"etag":"e"},"more":1}"#;
    let read = |body: &str, sent| saved(body.as_bytes(), SaveOperation::Create, &key("a"), sent);
    let metadata = Map::from_iter([("etag".to_owned(), Value::from("e"))]);
    assert_eq!(read(whole, Some(5)), Ok(Saved { internal_id: Some("7".to_owned()), size: Some(5), metadata: Some(metadata) }));
    for bare in [
        r#"{"internal_id":null,"file_path":"a","operation":"create","size":null,"saved_at":"x","status":"success","new_path":null,"metadata":null}"#,
        r#"{"file_path":"/a","operation":"create","saved_at":"x","status":"success"}"#,
    ] {
        assert_eq!(read(bare, Some(5)), Ok(Saved::default()), "{bare}");
    }
    for (body, words) in [
        (whole.replace(r#""status":"success","#, ""), "missing field `status`"),
        (whole.replace(r#""operation":"create","#, ""), "missing field `operation`"),
        (whole.replace("success", "queued"), "`status` is `queued`"),
        (whole.replace(r#":"create""#, r#":"update""#), "`operation` is `update`"),
        (whole.replace(":5", ":4"), "5 bytes were sent, and 4 saved"),
        (whole.replace(":5", ":-5"), "invalid value"),
        (whole.replace(r#""a""#, r#""b""#), "another path, `b`"),
    ] {
        let refused = read(&body, Some(5)).expect_err(&body);
        assert!(refused.contains(words), "{body}: {refused}");
    }
}

#[test]
fn only_the_word_received_confirms_a_report() {
    assert_eq!(report_received(br#"{"status":"received","message":"m","timestamp":"t"}"#), Ok(()));
    assert!(report_received(br#"{"status":"ignored"}"#).is_err());
    assert!(report_received(b"{}").is_err());
    assert_eq!(report_received(b"\xef\xbb\xbf{\"status\":\"received\"}"), Ok(()), "a byte order mark");
}

/// V4: the response was parsed as a whole, and one byte of one event made it unreadable.
#[test]
fn a_feed_s_events_are_split_whatever_is_in_them() {
    let body = b"\xef\xbb\xbf{\"events\":[{\"a\":NaN},{\"b\":\"J\xf6rg\t\"} , 7],\"next_cursor\":5,\"total_count\":Infinity}";
    let events = [b"{\"a\":NaN}".to_vec(), b"{\"b\":\"J\xf6rg\t\"}".to_vec(), b"7".to_vec()].to_vec();
    assert_eq!(feed_page(body), Ok(FeedPage { events, next_cursor: Some("5".to_owned()) }));
    for (body, words) in [
        ("{}", "missing field `events`"),
        (r#"{"events":{}}"#, "`events` is not a list"),
        (r#"{"events":[1 2]}"#, "`events`: expected"),
        (r#"{"events":[],"next_cursor":true}"#, "neither text nor a number"),
        (r#"{"events":[],"next_cursor":NaN}"#, "expected value"),
        ("", "expected a value"),
    ] {
        let refused = feed_page(body.as_bytes()).expect_err(body);
        assert!(refused.contains(words), "{body}: {refused}");
    }
}
