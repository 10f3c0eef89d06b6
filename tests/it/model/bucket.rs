//! The simulated bucket: its calls take time, meet trouble, and are recorded as evidence. Without trouble it answers as the
//! product's bucket in memory.

use super::op::{KEYS, Lie, S3Trouble, WrittenAs};
use super::published_events::form_urlencoded;
use super::world::{Inner, World, bytes_of, object_key};
use async_trait::async_trait;
use s3_sync::record::{ObjectKey, PageCursor, WrittenKeys};
use s3_sync::s3::{
    Call, Fault, GetObject, GetRequest, ListObjects, ListPage, ListRequest, MemoryObject, ObjectHead, ReadObjects, S3Error, S3ErrorKind,
};
use std::sync::Arc;

/// The endpoint.
pub(crate) struct Bucket(pub(crate) Arc<World>);

impl Bucket {
    /// Orders the trouble that is due for the next call. An error means that the bucket is missing.
    fn order(&self, call: &Call<'_>) -> Result<(), S3Error> {
        let mut inner = self.0.lock();
        let fault = inner.s3_trouble.pop_front().map(fault_of);
        if let Some((name, _)) = &fault {
            inner.counts.add(format!("S3 {name}"));
        }
        let present = inner.present;
        drop(inner);
        let fails = matches!(fault, Some((_, Fault::Error(_))));
        let mut fault = fault.map(|(_, fault)| fault);
        self.0.bucket.on_call(move |_| fault.take());
        if present || fails {
            return Ok(());
        }
        let subject = call.key().map_or_else(|| "model".to_owned(), ToString::to_string);
        // As on the wire, a HEAD says only 404.
        let kind = if matches!(call, Call::Head(_)) { S3ErrorKind::NoSuchKey } else { S3ErrorKind::NoSuchBucket };
        Err(S3Error::new(call.operation(), subject, kind, "the bucket is not there"))
    }

    /// Writes a line of the trace.
    fn note<T>(&self, call: &str, outcome: &Result<T, S3Error>) {
        let outcome = outcome.as_ref().err().map_or("ok", |error| error.kind.reason());
        self.0.lock().note(format_args!("     s3 {call} -> {outcome}"));
    }
}

/// Makes a page wrong.
fn falsify(inner: &mut Inner, lie: Lie, page: &mut ListPage, covered: &dyn Fn(&str) -> bool) {
    match lie {
        Lie::EndsEarly => (page.next, inner.listing_lied) = (None, page.objects.pop().is_some() || page.next.is_some()),
        Lie::Hides => inner.listing_lied |= page.objects.pop().is_some(),
        Lie::Shows(key) if covered(KEYS[key]) => {
            let is_phantom = !inner.objects.contains_key(KEYS[key]);
            inner.listing_lied |= is_phantom;
            inner.phantom_shown |= is_phantom;
            inner.published.wrongly_listed(key);
            let content = inner.objects.get(KEYS[key]).map_or(1, |content| content + 1);
            page.objects.retain(|(listed, _)| listed.as_str() != KEYS[key]);
            page.objects.push((object_key(KEYS[key]), MemoryObject::new(bytes_of(content)).facts()));
            page.objects.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        Lie::Shows(_) => return,
    }
    inner.note(format_args!("     the page lies: {lie:?}"));
    inner.counts.add(format!("pages that lie: {lie:?}"));
}

/// Gives the page the keys that the client reads first, if the store writes them so.
fn write_keys(written: WrittenAs, prefix: &str, page: &mut ListPage) {
    let keys = page.objects.iter().map(|(key, _)| key.as_str());
    let (declared, texts) = match written {
        WrittenAs::Certain => return,
        WrittenAs::Plain => (true, keys.map(str::to_owned).collect()),
        WrittenAs::Encoded => (false, keys.map(form_urlencoded).collect()),
    };
    let written = WrittenKeys::of_page(declared, texts, prefix).expect("the keys have the prefix");
    written.rename(&written.encodings, &mut page.objects, &mut page.next);
    page.written = Some(written).filter(WrittenKeys::are_ambiguous);
}

fn fault_of(trouble: S3Trouble) -> (&'static str, Fault) {
    let error = Fault::Error;
    match trouble {
        S3Trouble::Server => ("server errors", error(S3ErrorKind::Server)),
        S3Trouble::Throttled => ("throttled", error(S3ErrorKind::Throttled { after: Some(std::time::Duration::from_secs(1)) })),
        S3Trouble::Timeout => ("timeouts", error(S3ErrorKind::Timeout)),
        S3Trouble::Unreachable => ("unreachable", error(S3ErrorKind::Unreachable)),
        S3Trouble::AccessDenied => ("access denied", error(S3ErrorKind::AccessDenied)),
        S3Trouble::ShortBody => ("short bodies", Fault::ShortBody { after: 3 }),
        S3Trouble::BrokenBody => ("broken bodies", Fault::BrokenBody { after: 3, kind: S3ErrorKind::Interrupted }),
        S3Trouble::WrongByte => ("wrong bytes", Fault::WrongByte { at: 2 }),
        S3Trouble::LongBody => ("long bodies", Fault::LongBody),
        S3Trouble::NoETags => ("pages without ETags", Fault::NoETags),
    }
}

#[async_trait]
impl ListObjects for Bucket {
    async fn list_page(&self, request: ListRequest) -> Result<ListPage, S3Error> {
        self.0.point().await;
        let mut page = match self.order(&Call::List(&request)) {
            Ok(()) => self.0.bucket.list_page(request.clone()).await,
            Err(error) => Err(error),
        };
        if let Ok(page) = &mut page {
            let mut inner = self.0.lock();
            inner.listed_anew |= request.from == PageCursor::Start;
            // A token of the bucket in memory is the last key of the previous page.
            let after = match &request.from {
                PageCursor::Start => None,
                PageCursor::After(key) => Some(key.as_str()),
                PageCursor::Token(token) => Some(token.as_str()),
            };
            let last = page.objects.last().map(|(key, _)| key.to_string()).filter(|_| page.next.is_some());
            let covered = |key: &str| {
                key.starts_with(&request.prefix)
                    && after.is_none_or(|after| after < key)
                    && last.as_ref().is_none_or(|last| key <= last.as_str())
            };
            if let Some(lie) = inner.lies.pop_front() {
                // Where the spelling is in doubt, a key that is not there can be read in two ways for ever.
                let is_phantom = matches!(lie, Lie::Shows(key) if !inner.objects.contains_key(KEYS[key]));
                if !is_phantom || self.0.setup.written_keys == WrittenAs::Certain {
                    falsify(&mut inner, lie, page, &covered);
                }
            }
            KEYS.iter().filter(|key| covered(key)).for_each(|key| inner.evidence.not_listed(key));
            for (key, facts) in &page.objects {
                let is_file = !key.is_directory_marker(facts.size);
                if is_file { inner.evidence.listed(key.as_str()) } else { inner.evidence.there(key.as_str()) }
            }
            if !self.0.setup.lists_in_order {
                page.objects.reverse();
            }
            write_keys(self.0.setup.written_keys, &request.prefix, page);
        }
        self.note(&format!("list from {:?}", request.from), &page);
        self.0.point().await;
        page
    }
}

#[async_trait]
impl ReadObjects for Bucket {
    async fn head_bucket(&self) -> Result<(), S3Error> {
        self.0.point().await;
        let there = match self.order(&Call::HeadBucket) {
            Ok(()) => self.0.bucket.head_bucket().await,
            Err(error) => Err(error),
        };
        if there.is_ok() {
            self.0.lock().evidence.bucket_there();
        }
        self.note("head bucket", &there);
        self.0.point().await;
        there
    }

    async fn head_object(&self, key: &ObjectKey) -> Result<ObjectHead, S3Error> {
        self.0.point().await;
        let found = match self.order(&Call::Head(key)) {
            Ok(()) => self.0.bucket.head_object(key).await,
            Err(error) => Err(error),
        };
        self.0.lock().evidence.asked.insert(key.as_str().to_owned());
        match &found {
            Ok(_) => self.0.lock().evidence.there(key.as_str()),
            Err(error) if error.kind == S3ErrorKind::NoSuchKey => self.0.lock().evidence.not_found(key.as_str()),
            Err(_) => {}
        }
        self.note(&format!("head {key:?}"), &found);
        self.0.point().await;
        found
    }

    async fn get_object(&self, request: GetRequest) -> Result<GetObject, S3Error> {
        self.0.point().await;
        let key = request.key.clone();
        let if_match = request.if_match.clone().filter(|_| self.0.setup.honours_if_match);
        let got = match self.order(&Call::Get(&request)) {
            Ok(()) => self.0.bucket.get_object(GetRequest { if_match, ..request }).await,
            Err(error) => Err(error),
        };
        self.0.lock().evidence.asked.insert(key.as_str().to_owned());
        match &got {
            Ok(_) => self.0.lock().evidence.there(key.as_str()),
            Err(error) if error.kind == S3ErrorKind::NoSuchKey => self.0.lock().evidence.missed(key.as_str()),
            Err(_) => {}
        }
        self.note(&format!("get {key:?}"), &got);
        self.0.point().await;
        got
    }
}
