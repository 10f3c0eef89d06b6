//! Faults of a store: errors, truncated and wrong bodies, objects that change or disappear, a missing listing or bucket.

use super::super::scene::BUCKET;
use super::case::{Case, Struck, Task, fill};
use mock_s3::{Fault, Matcher, MockS3, NewObject, Restore};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = of_a_body();
    cases.extend(of_an_object());
    cases.extend(of_a_listing());
    cases.extend(of_lookups());
    cases
}

/// A fault of `GetObject` for `m`; without `times` it never ends.
fn get(what: &str, fault: Fault, times: Option<u64>) -> Case {
    struck(Task::Create, "GetObject", what, fault, times)
}

fn struck(task: Task, operation: &'static str, what: &str, fault: Fault, times: Option<u64>) -> Case {
    let matcher = Matcher::operation(operation);
    let matcher = if matches!(operation, "GetObject" | "HeadObject") { matcher.key("m") } else { matcher };
    let (often, matcher) = match times {
        Some(1) => ("once", matcher.times(1)),
        Some(times) => ("a few times", matcher.times(times)),
        None => ("always", matcher),
    };
    Case::new(format!("`{operation}`: {what}, {often}"), task, Struck::S3(operation), move |_, s3| {
        s3.order(matcher, fault);
    })
}

fn of_a_body() -> Vec<Case> {
    let only_md5 = |case: Case| Case { checksum: None, name: format!("{}; nothing but the `ETag` vouches", case.name), ..case };
    vec![
        get("500 `InternalError`", Fault::internal_error(), Some(1)),
        get("500 `InternalError`", Fault::internal_error(), None),
        get("503 `SlowDown` with `Retry-After: 1`", Fault::slow_down(Some(Duration::from_secs(1))), Some(1)),
        get("503 `SlowDown`", Fault::slow_down(None), None),
        get("no answer", Fault::Hang, Some(1)).impatient(),
        get("no answer", Fault::Hang, None).impatient(),
        get("answers late", Fault::Delay(Duration::from_millis(50)), None),
        get("reset", Fault::Reset, Some(1)),
        get("reset in mid-body", Fault::ResetAfter(12_345), Some(1)),
        get("reset in mid-body", Fault::ResetAfter(12_345), None),
        get("the body ends early", Fault::CloseAfter(12_345), Some(1)),
        get("the body ends early", Fault::CloseAfter(12_345), None),
        get("a shorter body, and a length that agrees", Fault::Shorten(12_345), Some(1)),
        get("a shorter body, and a length that agrees", Fault::Shorten(12_345), None),
        get("a wrong byte", Fault::WrongByte(12_345), Some(1)),
        get("a wrong byte", Fault::WrongByte(12_345), None),
        get("a wrong last byte", Fault::WrongByte(19_999), None),
        only_md5(get("a wrong byte", Fault::WrongByte(12_345), Some(1))),
        only_md5(get("a wrong byte", Fault::WrongByte(12_345), None)),
        struck(Task::Update, "GetObject", "a wrong byte of new content", Fault::WrongByte(12_345), None),
    ]
}

fn of_an_object() -> Vec<Case> {
    let other = || NewObject::bytes("replaced").content_type("text/plain");
    let archived = |_: &mock_api::MockApi, s3: &MockS3| {
        s3.put_object(BUCKET, "m", NewObject::bytes("in an archive").storage_class("GLACIER"));
    };
    let restored = |_: &mock_api::MockApi, s3: &MockS3| {
        assert!(s3.set_restore(BUCKET, "m", Some(Restore::Until(jiff::Timestamp::MAX))));
    };
    vec![
        get("404 `NoSuchKey` though it is listed", Fault::no_such_key(), Some(1)),
        get("404 `NoSuchKey` though it is listed", Fault::no_such_key(), None),
        get("the object was removed after it was listed", Fault::Remove, Some(1)),
        get("the object was replaced after it was listed", Fault::Replace(other()), Some(1)),
        get("403 `AccessDenied`", Fault::access_denied(), None),
        Case::new("the object is archived, and not restored", Task::Create, Struck::S3("GetObject"), archived).repair(restored),
        get("the bucket goes in the middle", Fault::BucketGone, Some(1)).repair(|_, s3| fill(s3)),
    ]
}

fn of_a_listing() -> Vec<Case> {
    let list = |what, fault, times| struck(Task::Create, "ListObjectsV2", what, fault, times);
    let second_page = |what: &str, fault: Fault| {
        let name = format!("`ListObjectsV2`: {what} from the second page on");
        let case = Case::new(name, Task::Create, Struck::S3("ListObjectsV2"), move |_, s3| {
            s3.order(Matcher::operation("ListObjectsV2").skip(1), fault);
        });
        Case { page_keys: 2, ..case }
    };
    let no_bucket = Case::new("the bucket is not there", Task::Create, Struck::S3("ListObjectsV2"), |_, s3| {
        assert!(s3.delete_bucket(BUCKET));
    });
    vec![
        list("reset", Fault::Reset, Some(1)),
        list("503 `SlowDown`", Fault::slow_down(None), Some(1)),
        list("503 `SlowDown`", Fault::slow_down(None), None),
        list("the answer breaks off", Fault::CloseAfter(100), Some(1)),
        list("403 `AccessDenied`", Fault::access_denied(), None),
        list("403 `SignatureDoesNotMatch`", Fault::error(403, "SignatureDoesNotMatch"), None),
        second_page("reset", Fault::Reset),
        second_page("503 `SlowDown`", Fault::slow_down(None)),
        no_bucket.repair(|_, s3| fill(s3)),
    ]
}

/// `m` is gone: a HEAD must confirm this before the file manager gets a delete.
fn of_lookups() -> Vec<Case> {
    vec![
        struck(Task::Delete, "HeadObject", "500", Fault::internal_error(), Some(1)),
        struck(Task::Delete, "HeadObject", "500", Fault::internal_error(), None),
        struck(Task::Delete, "HeadObject", "403", Fault::access_denied(), None),
        struck(Task::Delete, "HeadBucket", "503", Fault::slow_down(None), Some(1)),
        struck(Task::Delete, "HeadBucket", "503", Fault::slow_down(None), None),
        struck(Task::Delete, "HeadBucket", "404", Fault::no_such_bucket(), None),
    ]
}
