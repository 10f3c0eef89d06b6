//! The rows about the headers of listed objects: whether they are there, and whether HEAD agrees with the listing.

use super::asker::{Asker, NoAnswer};
use super::listing::Sample;
use super::row::ProbeRow;
use crate::record::{ObjectFacts, ObjectKey, PageCursor};
use crate::s3::{AnsweredObject, S3ErrorKind};

/// The maximum number of objects that are looked up.
const MAX_OBJECTS: usize = 3;
/// The classes whose objects cannot be read until they are restored.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];
/// The largest body that is read.
pub(super) const MAX_BODY_BYTES: u64 = 1 << 20;

/// A listed object that HEAD found.
pub(super) struct ProbedObject {
    pub(super) key: ObjectKey,
    /// As listed.
    pub(super) listed: ObjectFacts,
    /// As HEAD found it.
    pub(super) head: AnsweredObject,
}

/// Looks up some listed objects. Returns the one whose body is asked for next.
pub(super) async fn look_up(asker: &Asker, sample: &Sample) -> (Option<ProbedObject>, Vec<ProbeRow>) {
    let (mut found, mut missing, mut error) = (Vec::new(), None, None);
    for (key, listed) in suitable(sample) {
        match asker.head(key).await {
            Ok(head) => found.push(ProbedObject { key: key.clone(), listed: listed.clone(), head }),
            Err(no_answer) if no_answer.is(&S3ErrorKind::NoSuchKey) => missing = missing.or(Some(key)),
            Err(no_answer) => error = Some(no_answer),
        }
    }
    let missing = match missing {
        Some(key) if !is_plain(key) || is_still_listed(asker, key).await => Some(key),
        _ => None,
    };
    let rows =
        vec![listed_keys(sample, &found, missing, error.as_ref()), listed_etag(&found), last_modified(sample, &found), head_length(&found)];
    (found.into_iter().next(), rows)
}

/// The objects with content that can show the most: with a plain key, written in one part, small.
fn suitable(sample: &Sample) -> Vec<&(ObjectKey, ObjectFacts)> {
    let is_archived = |facts: &ObjectFacts| facts.storage_class.as_deref().is_some_and(|class| ARCHIVES.contains(&class));
    let mut objects: Vec<_> = sample.objects.iter().filter(|(_, facts)| facts.size > 0).collect();
    objects.sort_by_key(|(key, facts)| {
        (is_archived(facts), !is_plain(key), is_of_parts(facts), facts.size > MAX_BODY_BYTES, facts.size == 1, facts.size)
    });
    objects.truncate(MAX_OBJECTS);
    objects
}

fn is_plain(key: &ObjectKey) -> bool {
    key.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
}

fn is_of_parts(facts: &ObjectFacts) -> bool {
    facts.etag.as_ref().is_some_and(|etag| etag.as_str().contains('-'))
}

/// True if a listing shows the key again. Else the object was deleted meanwhile.
async fn is_still_listed(asker: &Asker, key: &ObjectKey) -> bool {
    let answered = asker.page_below(key.as_str(), PageCursor::Start, 1).await;
    answered.is_ok_and(|answered| answered.page.objects.iter().any(|(listed, _)| listed == key))
}

fn listed_keys(sample: &Sample, found: &[ProbedObject], missing: Option<&ObjectKey>, error: Option<&NoAnswer>) -> ProbeRow {
    const NAME: &str = "listed_keys";
    if let Some(key) = missing.filter(|key| !is_plain(key)) {
        return ProbeRow::not_seen(NAME, format!("{key} is listed, and HEAD says 404: it may be spelled otherwise"));
    }
    if let Some(key) = missing {
        let hint = "the store contradicts itself: a run skips such an object at first, and then reports it as `listed_but_missing`";
        return ProbeRow::failed(NAME, format!("{key} is listed twice, and HEAD says 404"), hint);
    }
    match error {
        Some(NoAnswer::Refused(error)) => ProbeRow::failed(NAME, error.to_string(), error.kind.hint()),
        Some(error) => ProbeRow::unanswered(NAME, error),
        None if found.is_empty() => sample.not_seen(NAME, "no listed object with content"),
        None => ProbeRow::yes(NAME, format!("{0} of {0} listed objects are there", found.len())),
    }
}

fn listed_etag(found: &[ProbedObject]) -> ProbeRow {
    const NAME: &str = "listed_etag";
    if found.is_empty() {
        return ProbeRow::not_seen(NAME, "no object was looked up");
    }
    for ProbedObject { key, listed, head } in found {
        match (&listed.etag, &head.etag) {
            (_, None) => {
                return ProbeRow::failed(NAME, format!("HEAD of {key} has no ETag"), "without an ETag no change of an object can be seen");
            }
            (None, _) => return ProbeRow::no(NAME, "the listing has no ETags", "each listing looks up every object that is already known"),
            (Some(one), Some(other)) if one != other => {
                let words = format!("{key} is listed with the ETag {one}, and HEAD says {other}");
                return ProbeRow::no(NAME, words, "each listing takes every object for changed, and looks it up again");
            }
            _ => {}
        }
    }
    ProbeRow::yes(NAME, format!("that of HEAD, for {0} of {0} objects", found.len()))
}

fn last_modified(sample: &Sample, found: &[ProbedObject]) -> ProbeRow {
    const NAME: &str = "last_modified";
    const UNKNOWN: &str = "the time is unknown: nothing is decided by it";
    let keys = sample.entries.len();
    let unreadable = sample.entries.iter().filter(|entry| !entry.has_time).count();
    match found.iter().find(|found| !found.head.has_time) {
        _ if keys == 0 => sample.not_seen(NAME, "the bucket shows no key"),
        _ if unreadable > 0 => ProbeRow::no(NAME, format!("{unreadable} of {keys} listed keys have none that can be read"), UNKNOWN),
        Some(found) => ProbeRow::no(NAME, format!("HEAD of {} has none that can be read", found.key), UNKNOWN),
        None => ProbeRow::yes(NAME, format!("can be read for {keys} of {keys} listed keys, and for {} by HEAD", found.len())),
    }
}

fn head_length(found: &[ProbedObject]) -> ProbeRow {
    const NAME: &str = "head_length";
    let wrong = found.iter().find(|found| found.head.length != Some(found.listed.size));
    match wrong {
        _ if found.is_empty() => ProbeRow::not_seen(NAME, "no object was looked up"),
        None => ProbeRow::yes(NAME, "HEAD states the length that is listed"),
        Some(ProbedObject { key, head: AnsweredObject { length: None | Some(0), .. }, .. }) => {
            let hint = "each lookup costs a second request: a GET of the first byte";
            ProbeRow::no(NAME, format!("HEAD of {key} states no length"), hint)
        }
        Some(ProbedObject { key, listed, head }) => {
            let words = format!("HEAD of {key} states {} bytes, the listing {}", head.length.unwrap_or_default(), listed.size);
            ProbeRow::no(NAME, words, "an object is sent when its listing and its GET agree")
        }
    }
}

/// Whether an object that was written in parts has a checksum of its whole body. Its ETag is none.
pub(super) async fn checksum_of_parts(asker: &Asker, sample: &Sample) -> ProbeRow {
    const NAME: &str = "checksum_of_parts";
    let Some((key, _)) = sample.objects.iter().find(|(_, facts)| is_of_parts(facts)) else {
        let no_etags = sample.objects.iter().all(|(_, facts)| facts.etag.is_none());
        let of_first = || format!("none of the first {} keys has the ETag of an upload in parts", sample.objects.len());
        return sample
            .not_seen(NAME, if no_etags { "no ETag is listed that could show an upload in parts".to_owned() } else { of_first() });
    };
    match asker.head(key).await.map(|head| head.checksum) {
        Ok(Some(checksum)) => ProbeRow::yes(NAME, format!("{} over the whole body of {key}", checksum.algorithm)),
        Ok(None) => {
            let hint = "only the length of such an object is verified: it counts as `unverified`";
            ProbeRow::no(NAME, format!("{key} has none that can be computed from its body"), hint)
        }
        Err(error) => ProbeRow::unanswered(NAME, &error),
    }
}
