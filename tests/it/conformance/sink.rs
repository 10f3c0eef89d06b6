//! What every implementation of a sink must do, as functions over the trait that respect its capabilities.

use super::all_sinks::Forgotten;
use super::sink_trouble::{
    files_that_are_not_what_the_handle_says_are_found, what_an_error_says_of_the_effect_is_true_and_the_same_effect_can_be_sent_again,
};
use crate::memory_sink::SinkTrouble;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use s3_sync::apply::sink::{Capabilities, Content, EffectKind, EffectRequest, EffectResult, FilePart, Idempotency, Sink, StoredFile};
use s3_sync::endpoint::{ByteStream, ContentFault, EndpointError, EndpointErrorKind, EndpointId};
use s3_sync::plan::{PermissionSupport, Renames};
use s3_sync::record::{ETag, ObjectFacts, ObjectKey, Permissions};
use s3_sync::retry::{Disposed as _, Disposition};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// An empty sink, and what a test can do to it besides the trait.
pub(crate) struct Tried<'a> {
    pub(crate) sink: &'a dyn Sink,
    /// Its contents, read without the trait.
    pub(crate) contents: &'a (dyn Fn() -> BTreeMap<String, Bytes> + Sync),
    /// Orders trouble for the next effect; `None` = its failures are tested beside it.
    pub(crate) order: Option<&'a (dyn Fn(SinkTrouble) + Sync)>,
}

pub(super) fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("a key")
}

fn facts(text: &str) -> ObjectFacts {
    let etag = ETag::parse(&format!("etag of {text}"));
    ObjectFacts { size: text.len() as u64, etag, last_modified: None, storage_class: None, version_id: None }
}

fn content_with(text: &str, body: ByteStream) -> Content {
    let (source, checkpoint) = (EndpointId::new("test:source"), Arc::new(Forgotten));
    Content { source, facts: facts(text), content_type: "text/plain".to_owned(), body, resume: None, checkpoint }
}

pub(super) fn content(text: &str) -> Content {
    content_with(text, stream::iter([Ok(Bytes::copy_from_slice(text.as_bytes()))]).boxed())
}

fn mode(mode: &str) -> Permissions {
    Permissions { permissions: Some(mode.to_owned()), ..Permissions::default() }
}

/// A body with the text's first bytes, followed by an error of its source.
fn broken(text: &str, path: &ObjectKey) -> Content {
    let error = EndpointError::of_content(&EndpointId::new("test:source"), path, ContentFault::Interrupted, "broken off");
    let begun = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
    content_with(text, stream::iter([Ok(begun), Err(error)]).boxed())
}

impl Tried<'_> {
    pub(super) fn can(&self) -> &Capabilities {
        self.sink.capabilities()
    }

    pub(super) async fn with_key(&self, key: Uuid, path: &str, kind: EffectKind<'_>) -> Result<EffectResult, EndpointError> {
        let path = ObjectKey::new(path).expect("a key");
        self.sink.perform(EffectRequest { kind, path: &path, handle: None, idempotency_key: key }).await
    }

    pub(super) async fn perform(&self, path: &str, kind: EffectKind<'_>) -> Result<EffectResult, EndpointError> {
        self.with_key(Uuid::new_v4(), path, kind).await
    }

    async fn holds(&self, path: &str) -> Option<StoredFile> {
        self.holds_as(path, &EffectResult::default()).await
    }

    /// What the sink stores, asked with the handle of its last answer.
    async fn holds_as(&self, path: &str, last: &EffectResult) -> Option<StoredFile> {
        self.sink.inspect(&key(path), last.handle.as_ref(), FilePart::Content).await.expect("an answer")
    }

    async fn permissions(&self, path: &str) -> Permissions {
        let held = self.sink.inspect(&key(path), None, FilePart::Permissions).await.expect("an answer");
        held.and_then(|held| held.permissions).expect("permissions")
    }

    pub(super) fn is(&self, expected: &[(&str, &str)]) {
        let expected: BTreeMap<_, _> =
            expected.iter().map(|(path, text)| ((*path).to_owned(), Bytes::copy_from_slice(text.as_bytes()))).collect();
        assert_eq!((self.contents)(), expected);
    }
}

async fn what_arrives_is_held_until_it_is_deleted(tried: &Tried<'_>) {
    tried.sink.check().await.expect("it is there");
    assert_eq!(tried.holds("d/a").await, None);
    let created = tried.perform("d/a", EffectKind::Create(content("one"))).await.expect("a create");
    let held = tried.holds_as("d/a", &created).await.expect("it is held");
    assert_eq!((held.content, held.size, held.handle), (facts("one").fingerprint(), Some(3), created.handle.clone()));

    let updated = tried.perform("d/a", EffectKind::Update(content("seven b"))).await.expect("an update");
    let held = tried.holds_as("d/a", &updated).await.expect("it is held");
    assert_eq!((held.content, held.size, &held.handle), (facts("seven b").fingerprint(), Some(7), &updated.handle));
    if tried.can().keeps_identity {
        assert_eq!(updated.handle, created.handle);
    }
    tried.is(&[("d/a", "seven b")]);
    assert_eq!(tried.holds("d/b").await, None, "a read of another path");

    for time in ["first", "second"] {
        tried.perform("d/a", EffectKind::Delete).await.unwrap_or_else(|error| panic!("the {time} delete: {error}"));
        assert_eq!(tried.holds("d/a").await, None);
    }
    tried.is(&[]);
}

async fn an_update_of_nothing_says_so_or_makes_no_difference(tried: &Tried<'_>) {
    let updated = tried.perform("n", EffectKind::Update(content("new"))).await;
    match updated {
        Ok(_) => {
            assert_eq!(tried.can().idempotency, Idempotency::Natural, "a sink with a ledger knows what it holds");
            tried.is(&[("n", "new")]);
        }
        Err(refused) => {
            assert_eq!((refused.kind, refused.is_refusal()), (EndpointErrorKind::NotFound, true), "{refused}");
            tried.is(&[]);
        }
    }
}

async fn the_same_effect_sent_again_is_answered(tried: &Tried<'_>) {
    let create = Uuid::new_v4();
    let first = tried.with_key(create, "r", EffectKind::Create(content("one"))).await.expect("a create");
    let again = tried.with_key(create, "r", EffectKind::Create(content("one"))).await.expect("the same again");
    tried.is(&[("r", "one")]);
    if tried.can().idempotency == Idempotency::Ledger {
        assert_eq!(again.handle, first.handle);
        tried.perform("r", EffectKind::Delete).await.expect("a delete");
        tried.with_key(create, "r", EffectKind::Create(content("one"))).await.expect("the answer of then");
        tried.is(&[]);
    }
}

/// The engine sends an unanswered effect of any kind again, also after other effects: the sink answers the call without a second
/// effect.
async fn a_ledger_makes_an_effect_of_any_kind_happen_once(tried: &Tried<'_>) {
    if tried.can().idempotency != Idempotency::Ledger {
        return;
    }
    let (update, delete, rename, moving, set) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let again = "the same again";
    let (near, far) = (key("d/near"), key("e/far"));
    tried.perform("d/a", EffectKind::Create(content("one"))).await.expect("a create");
    tried.with_key(update, "d/a", EffectKind::Update(content("two"))).await.expect("an update");
    tried.perform("d/a", EffectKind::Update(content("three"))).await.expect("another update");
    tried.with_key(update, "d/a", EffectKind::Update(content("two"))).await.expect(again);
    tried.is(&[("d/a", "three")]);
    tried.with_key(delete, "d/a", EffectKind::Delete).await.expect("a delete");
    tried.perform("d/a", EffectKind::Create(content("four"))).await.expect("a create");
    tried.with_key(delete, "d/a", EffectKind::Delete).await.expect(again);
    tried.is(&[("d/a", "four")]);
    if tried.can().renames != Renames::None {
        tried.with_key(rename, "d/a", EffectKind::Rename { to: &near }).await.expect("a rename");
        tried.perform("d/a", EffectKind::Create(content("five"))).await.expect("a create");
        tried.with_key(rename, "d/a", EffectKind::Rename { to: &near }).await.expect(again);
        tried.is(&[("d/a", "five"), ("d/near", "four")]);
    }
    if tried.can().renames == Renames::Any {
        for time in ["a move", again] {
            tried.with_key(moving, "d/near", EffectKind::Move { to: &far }).await.expect(time);
        }
        tried.is(&[("d/a", "five"), ("e/far", "four")]);
    }
    if tried.can().permissions == PermissionSupport::SetAndAsk {
        tried.with_key(set, "d/a", EffectKind::SetPermissions(&mode("0600"))).await.expect("they are set");
        tried.perform("d/a", EffectKind::SetPermissions(&mode("0644"))).await.expect("others are set");
        tried.with_key(set, "d/a", EffectKind::SetPermissions(&mode("0600"))).await.expect(again);
        assert_eq!(tried.permissions("d/a").await.permissions.as_deref(), Some("0644"));
    }
}

async fn a_body_that_breaks_off_leaves_what_was_there(tried: &Tried<'_>) {
    for (path, before) in [("fresh", None), ("known", Some("before"))] {
        if let Some(before) = before {
            tried.perform(path, EffectKind::Create(content(before))).await.expect("a create");
        }
        let effect = Uuid::new_v4();
        let kind = |content| if before.is_some() { EffectKind::Update(content) } else { EffectKind::Create(content) };
        let failed = tried.with_key(effect, path, kind(broken("the whole text", &key(path)))).await.expect_err("half a body");
        assert_eq!(failed.kind, EndpointErrorKind::BodyFailed, "{failed}");
        assert!(matches!(failed.disposition(), Disposition::Retry { .. }), "{failed}");
        assert_eq!((tried.contents)().get(path).map(|bytes| &bytes[..]), before.map(str::as_bytes), "{path}");
        let short = content_with("the whole text", stream::iter([Ok(Bytes::from_static(b"the"))]).boxed());
        tried.with_key(effect, path, kind(short)).await.expect_err("a short body");
        assert_eq!((tried.contents)().get(path).map(|bytes| &bytes[..]), before.map(str::as_bytes), "{path}");
        tried.with_key(effect, path, kind(content("the whole text"))).await.expect("the same effect with a whole body");
        assert_eq!((tried.contents)()[path], "the whole text");
    }
}

async fn permissions_are_set_field_by_field_also_before_the_file_comes(tried: &Tried<'_>) {
    let (mode, group) = (mode("0600"), Permissions { group: Some("ops & dev".to_owned()), ..Permissions::default() });
    if !tried.can().policy(None).has_permissions() {
        return;
    }
    for wanted in [&mode, &group] {
        tried.perform("p", EffectKind::SetPermissions(wanted)).await.expect("they are set");
    }
    if tried.can().permissions == PermissionSupport::SetAndAsk {
        for with_a_file in [false, true] {
            if with_a_file {
                tried.perform("p", EffectKind::Create(content("one"))).await.expect("a create");
            }
            let held = tried.permissions("p").await;
            assert_eq!((held.permissions, held.group), (mode.permissions.clone(), group.group.clone()), "with a file: {with_a_file}");
        }
    }
}

async fn a_file_that_goes_elsewhere_stays_the_file_it_is(tried: &Tried<'_>) {
    let created = tried.perform("d/from", EffectKind::Create(content("one"))).await.expect("a create");
    tried.perform("d/other", EffectKind::Create(content("other"))).await.expect("a create");
    let (near, far, taken, free) = (key("d/near"), key("e/far"), key("d/other"), key("d/free"));
    if tried.can().renames == Renames::None {
        return;
    }
    let mut now = "d/from";
    let mut steps = vec![("d/near", EffectKind::Rename { to: &near })];
    if tried.can().renames == Renames::Any {
        steps.push(("e/far", EffectKind::Move { to: &far }));
    }
    for (to, kind) in steps {
        let gone = tried.perform(now, kind).await.expect("it goes there");
        if tried.can().keeps_identity {
            assert_eq!(gone.handle, created.handle);
        }
        let held = tried.holds(to).await.expect("it is held");
        assert_eq!((tried.holds(now).await, held.content), (None, facts("one").fingerprint()), "{to}");
        now = to;
    }
    let any = tried.can().renames == Renames::Any;
    let to_taken = if any { EffectKind::Move { to: &taken } } else { EffectKind::Rename { to: &taken } };
    for (path, kind, expected) in
        [("d/nowhere", EffectKind::Rename { to: &free }, EndpointErrorKind::NotFound), (now, to_taken, EndpointErrorKind::Taken)]
    {
        let refused = tried.perform(path, kind).await.expect_err("it cannot");
        assert_eq!((refused.kind, refused.is_refusal()), (expected, true), "{refused}");
    }
    tried.is(&[("d/other", "other"), (now, "one")]);
}

async fn a_path_is_what_the_key_is_byte_for_byte(tried: &Tried<'_>) {
    let mut keys: Vec<String> = serde_json::from_str(include_str!("../../fixtures/hostile-keys.json")).expect("a list of keys");
    keys.sort();
    keys.dedup();
    for path in &keys {
        tried.perform(path, EffectKind::Create(content("one"))).await.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!((tried.contents)().into_keys().collect::<Vec<_>>(), keys);
    for path in &keys {
        assert!(tried.holds(path).await.is_some(), "{path:?}");
        tried.perform(path, EffectKind::Delete).await.unwrap_or_else(|error| panic!("{error}"));
    }
    tried.is(&[]);
}

pub(super) type Function = for<'a> fn(&'a Tried<'a>) -> BoxFuture<'a, ()>;

/// Each function gets an empty sink.
pub(super) const FUNCTIONS: [Function; 10] = [
    |tried| what_arrives_is_held_until_it_is_deleted(tried).boxed(),
    |tried| files_that_are_not_what_the_handle_says_are_found(tried).boxed(),
    |tried| an_update_of_nothing_says_so_or_makes_no_difference(tried).boxed(),
    |tried| the_same_effect_sent_again_is_answered(tried).boxed(),
    |tried| a_ledger_makes_an_effect_of_any_kind_happen_once(tried).boxed(),
    |tried| a_body_that_breaks_off_leaves_what_was_there(tried).boxed(),
    |tried| permissions_are_set_field_by_field_also_before_the_file_comes(tried).boxed(),
    |tried| a_file_that_goes_elsewhere_stays_the_file_it_is(tried).boxed(),
    |tried| a_path_is_what_the_key_is_byte_for_byte(tried).boxed(),
    |tried| what_an_error_says_of_the_effect_is_true_and_the_same_effect_can_be_sent_again(tried).boxed(),
];
