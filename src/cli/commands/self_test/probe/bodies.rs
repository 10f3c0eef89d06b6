//! The rows about a GET: its length, the checksum of the body, ranges, and `If-Match`.

use super::asker::{Asker, NoAnswer, ReadBody};
use super::objects::{MAX_BODY_BYTES, ProbedObject};
use super::row::ProbeRow;
use crate::record::{ChecksumAlgorithm, ETag};
use crate::s3::{AnsweredObject, S3ErrorKind};

/// An ETag that no object has: not even an MD5 is known to be this one.
const WRONG_ETAG: &str = "00000000000000000000000000000000";
const GET_LENGTH: &str = "get_length";

/// Asks for the content of an object. `verifies` is the setting.
pub(super) async fn rows(asker: &Asker, found: Option<&ProbedObject>, verifies: bool) -> Vec<ProbeRow> {
    const OTHERS: [&str; 3] = ["checksum", "range", "if_match"];
    let Some(found) = found else {
        return [GET_LENGTH].into_iter().chain(OTHERS).map(|name| ProbeRow::not_seen(name, "no object to read")).collect();
    };
    let got = if found.listed.size <= MAX_BODY_BYTES {
        asker.read(&found.key).await.map(|(object, body)| (object, Some(body)))
    } else {
        asker.get(&found.key, None, None).await.map(|object| (object, None))
    };
    match got {
        Ok((object, body)) => vec![
            get_length(found, &object, body.as_ref()),
            checksum(found, &object, body.as_ref(), verifies),
            range(asker, found).await,
            if_match(asker, found, object.etag.as_ref()).await,
        ],
        Err(error) => std::iter::once(not_readable(&error)).chain(OTHERS.map(|name| ProbeRow::unanswered(name, &error))).collect(),
    }
}

fn not_readable(error: &NoAnswer) -> ProbeRow {
    match error {
        // A run skips it, and other objects may be readable.
        NoAnswer::Refused(error) if error.kind == S3ErrorKind::Archived => ProbeRow::not_seen(GET_LENGTH, error.to_string()),
        NoAnswer::Refused(error) => ProbeRow::failed(GET_LENGTH, error.to_string(), error.kind.hint()),
        NoAnswer::Failed(_) => ProbeRow::unanswered(GET_LENGTH, error),
    }
}

fn get_length(found: &ProbedObject, object: &AnsweredObject, body: Option<&ReadBody>) -> ProbeRow {
    let (key, listed) = (&found.key, found.listed.size);
    if let Some(body) = body.filter(|body| body.bytes != listed) {
        let words = format!("the body of {key} has {} bytes, the listing says {listed}", body.bytes);
        return ProbeRow::no(GET_LENGTH, words, "an object is sent when its listing and its GET agree");
    }
    if object.length.is_some() {
        return ProbeRow::yes(GET_LENGTH, "GET states the length of its body");
    }
    let hint = "the length comes from the listing or from another request; a body that ends early is still found";
    ProbeRow::no(GET_LENGTH, format!("GET of {key} states no length"), hint)
}

fn checksum(found: &ProbedObject, object: &AnsweredObject, body: Option<&ReadBody>, verifies: bool) -> ProbeRow {
    const NAME: &str = "checksum";
    let key = &found.key;
    let Some(announced) = &object.checksum else {
        let hint = "only the length of such an object is verified: it counts as `unverified`";
        return ProbeRow::no(NAME, format!("{key} has none that can be computed from its body, and its ETag is no MD5"), hint);
    };
    let source = match announced.algorithm {
        ChecksumAlgorithm::Md5 => "only the MD5 in the ETag",
        own => own.as_str(),
    };
    match body.and_then(|body| body.checksum.as_ref()) {
        Some(computed) if computed == announced => ProbeRow::yes(NAME, format!("{source}; the body of {key} matches it")),
        Some(computed) => {
            let words = format!("{key} announces {announced}, and its body has {computed}");
            if verifies {
                let hint = "every such object fails: if the store is known to send other values, set VERIFY_FILE_INTEGRITY=false";
                ProbeRow::failed(NAME, words, hint)
            } else {
                ProbeRow::no(NAME, words, "VERIFY_FILE_INTEGRITY=false: only lengths are verified")
            }
        }
        None => ProbeRow::yes(NAME, format!("{source}; no body of at most {MAX_BODY_BYTES} bytes was there to compare")),
    }
}

async fn range(asker: &Asker, found: &ProbedObject) -> ProbeRow {
    const NAME: &str = "range";
    const COST: &str = "a length that neither HEAD nor GET states is counted by reading the whole body";
    match asker.get(&found.key, None, Some(0..1)).await {
        Ok(AnsweredObject { range: Some(range), .. }) => ProbeRow::yes(NAME, format!("the first byte: {}", crate::record::Escaped(&range))),
        Ok(_) => ProbeRow::no(NAME, "the first byte was asked for, and the whole object is sent", COST),
        Err(NoAnswer::Refused(error)) => ProbeRow::no(NAME, error.to_string(), COST),
        Err(error) => ProbeRow::unanswered(NAME, &error),
    }
}

async fn if_match(asker: &Asker, found: &ProbedObject, etag: Option<&ETag>) -> ProbeRow {
    const NAME: &str = "if_match";
    let Some(etag) = etag else {
        return ProbeRow::not_seen(NAME, "the object has no ETag");
    };
    match asker.get(&found.key, Some(etag.clone()), None).await {
        Ok(_) => {}
        Err(NoAnswer::Refused(error)) if error.kind == S3ErrorKind::PreconditionFailed => {
            let words = format!("GET of {} with its own ETag says 412", found.key);
            return ProbeRow::failed(NAME, words, "no object can be read: each GET names the ETag that it expects");
        }
        Err(error) => return ProbeRow::unanswered(NAME, &error),
    }
    let wrong = ETag::parse(WRONG_ETAG).expect("invariant: it is an ETag");
    match asker.get(&found.key, Some(wrong), None).await {
        Err(error) if error.is(&S3ErrorKind::PreconditionFailed) => ProbeRow::yes(NAME, "another ETag says 412"),
        Err(error) => ProbeRow::unanswered(NAME, &error),
        Ok(_) => {
            let hint = "the ETag of each response is compared instead: a replaced object costs a response that is not used";
            ProbeRow::no(NAME, "another ETag gets the object all the same", hint)
        }
    }
}
