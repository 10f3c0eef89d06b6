//! What a sink says of trouble, as functions over the trait: files that others changed, calls that fail, no answer at all.

use super::sink::{Tried, content, key};
use crate::memory_sink::SinkTrouble;
use s3_sync::apply::sink::{EffectKind, EffectRequest, FilePart, Sink};
use s3_sync::endpoint::EffectCertainty;
use s3_sync::retry::Disposition;
use uuid::Uuid;

pub(super) async fn files_that_are_not_what_the_handle_says_are_found(tried: &Tried<'_>) {
    if !tried.can().notices_changes {
        return;
    }
    let mut handles = Vec::new();
    for path in ["d/a", "d/b", "n", "r"] {
        let created = tried.perform(path, EffectKind::Create(content("one"))).await.expect("a create");
        handles.push((key(path), created.handle));
    }
    assert_eq!(tried.sink.changed(&handles).await.expect("an answer"), []);
    tried.perform("d/b", EffectKind::Delete).await.expect("a delete");
    let of_another = handles[2].1.take();
    handles[3].1 = of_another;
    let changed = tried.sink.changed(&handles).await.expect("an answer");
    assert_eq!(changed, ["d/b", "n", "r"].map(key), "gone, without a handle, with the handle of another file");
    tried.is(&[("d/a", "one"), ("n", "one"), ("r", "one")]);
}

pub(super) async fn what_an_error_says_of_the_effect_is_true_and_the_same_effect_can_be_sent_again(tried: &Tried<'_>) {
    let Some(order) = tried.order else { return };
    for (path, trouble, had_its_effect) in
        [("refused", SinkTrouble::Refuses, false), ("before", SinkTrouble::BreaksBefore, false), ("after", SinkTrouble::BreaksAfter, true)]
    {
        let effect = Uuid::new_v4();
        order(trouble);
        let failed = tried.with_key(effect, path, EffectKind::Create(content("one"))).await.expect_err("the trouble");
        assert_eq!((tried.contents)().contains_key(path), had_its_effect, "{trouble:?}");
        assert_eq!(failed.is_refusal(), trouble == SinkTrouble::Refuses, "{failed}");
        if trouble != SinkTrouble::Refuses {
            assert_eq!(failed.effect, EffectCertainty::Unknown, "{failed}");
            tried.with_key(effect, path, EffectKind::Create(content("one"))).await.expect("the second attempt");
            assert_eq!((tried.contents)()[path], "one", "{trouble:?}");
        }
    }
}

/// An unreachable sink reports that, and that the call certainly had no effect.
pub(super) async fn an_unreachable_sink_had_no_effect(sink: &dyn Sink) {
    if sink.capabilities().notices_changes {
        let failed = sink.changed(&[(key("a"), None)]).await.expect_err("nothing answers");
        assert_eq!((failed.disposition, failed.effect), (Disposition::Stop { transient: true }, EffectCertainty::None), "{failed}");
    }
    let performed =
        sink.perform(EffectRequest { kind: EffectKind::Delete, path: &key("a"), handle: None, idempotency_key: Uuid::new_v4() }).await;
    let inspected = sink.inspect(&key("a"), None, FilePart::Content).await;
    for failed in [sink.check().await.map(drop), performed.map(drop), inspected.map(drop)] {
        let failed = failed.expect_err("nothing answers");
        assert_eq!((failed.disposition, failed.effect), (Disposition::Stop { transient: true }, EffectCertainty::None), "{failed}");
    }
}
