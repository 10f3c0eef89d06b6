//! Sinks are added and removed only when the operator says so, and a sink's number is never reused.

use super::*;
use crate::state::Views;
use crate::state::tables::sinks;

fn identity(names: &[&str]) -> Identity {
    let sinks = names.iter().map(|raw| NamedSink { name: name(raw), kind: "memory", address: format!("memory:{raw}") }).collect();
    Identity { source: "the-endpoint/bucket/".to_owned(), sinks }
}

fn new(names: &[&str]) -> OperatorAnswer {
    OperatorAnswer { new_sinks: names.iter().map(|raw| name(raw)).collect(), ..OperatorAnswer::default() }
}

fn dropped(names: &[&str]) -> OperatorAnswer {
    OperatorAnswer { drop_sinks: names.iter().map(|raw| name(raw)).collect(), ..OperatorAnswer::default() }
}

/// A state with the sinks `a` and `b`, which both hold `x`.
async fn in_use() -> Bed {
    let bed = Bed::new().await;
    bed.state.identify(identity(&["a", "b"]), OperatorAnswer::default(), at(0)).await.expect("nothing is known yet");
    bed.page(&[("x", "x")]).await;
    for sink in bed.sinks() {
        sink.holds("x", "x", Permissions::default()).await;
    }
    bed
}

/// Everything that may change, as text.
async fn all(bed: &Bed) -> Vec<String> {
    let read = bed.state.writer.call(|connection| {
        let mut all = Vec::new();
        for text in [
            "SELECT json_array(id, name, address, applied_rows, open_intents) FROM sinks",
            "SELECT json_array(address, listed_up_to, listed_everything, initial_completed_by) FROM sources",
            "SELECT json_array(sink, path, confirmed) FROM applied",
            "SELECT json_array(sink, path, status) FROM pending",
            "SELECT json_array(sink, status, deletion, paths) FROM waiting",
            "SELECT json_array(name, value) FROM meta",
        ] {
            all.extend(column(connection, text)?);
        }
        Ok(all)
    });
    read.await.expect("read")
}

async fn numbers(bed: &Bed) -> Vec<(String, i64)> {
    let source = bed.state.source;
    let rows = bed.state.writer.call(move |connection| sinks::all_rows(connection, source)).await.expect("read");
    rows.into_iter().map(|row| (row.name.as_str().to_owned(), row.sink.id.0)).collect()
}

#[tokio::test]
async fn a_sink_is_added_or_removed_only_when_the_operator_says_so() {
    let bed = in_use().await;
    let before = all(&bed).await;
    for (names, answer, words) in [
        (
            &["a", "b", "c"] as &[_],
            OperatorAnswer::default(),
            "does not describe the sink c at memory:c: --new-sink c to send everything to it",
        ),
        (&["a", "b", "c"], OperatorAnswer { adopt: true, ..OperatorAnswer::default() }, "--new-sink c"),
        (
            &["a"],
            OperatorAnswer::default(),
            "describes the sink b at memory:b, the configuration does not name it: --drop-sink b to forget it",
        ),
        (&["a"], new(&["a"]), "--drop-sink b"),
        (&["a", "b"], new(&["c"]), "--new-sink c: the configuration names no such sink"),
        (&["a", "b"], dropped(&["d"]), "--drop-sink d: this state has no such sink"),
        (&["a", "b"], dropped(&["b"]), "--drop-sink b: the configuration still names this sink"),
        (&["a", "c"], new(&["c"]), "--drop-sink b"),
    ] {
        let refused = bed.state.identify(identity(names), answer.clone(), at(0)).await.expect_err("it is refused");
        let StateError::OtherIdentity(said) = refused else { panic!("refused for another reason: {refused}") };
        assert!(said.contains(words), "{names:?}, {answer:?}: {said}");
        assert_eq!(all(&bed).await, before, "{names:?}, {answer:?}: nothing is touched");
    }
    // One refusal names all differences.
    let refused = bed.state.identify(identity(&["a", "c"]), OperatorAnswer::default(), at(0)).await.expect_err("it is refused").to_string();
    assert!(refused.contains("--new-sink c") && refused.contains("--drop-sink b"), "{refused}");
}

#[tokio::test]
async fn a_new_sink_gets_everything_and_the_others_stay_as_they_are() {
    let bed = in_use().await;
    let c = [&["a", "b", "c"] as &[_], &["c"]];
    bed.state.identify(identity(c[0]), new(c[1]), at(0)).await.expect("the operator said so");
    assert_eq!(bed.state.source().listing_progress().await.expect("read"), Listed::Nothing, "everything is listed for it");
    let c = bed.state.sink(name("c"), Policy::default()).await.expect("it is there");
    bed.page(&[("x", "x")]).await;
    assert_eq!((c.pending().await, bed.a.pending().await, bed.b.pending().await), (vec!["x due".to_owned()], vec![], vec![]));
}

#[tokio::test]
async fn the_number_of_a_removed_sink_is_not_reused_and_the_history_names_the_right_one() {
    let bed = in_use().await;
    bed.state.identify(identity(&["a"]), dropped(&["b"]), at(0)).await.expect("the operator said so");
    bed.state.identify(identity(&["a", "c"]), new(&["c"]), at(0)).await.expect("the operator said so");
    bed.state.identify(identity(&["a", "b", "c"]), new(&["b"]), at(0)).await.expect("the operator said so");
    assert_eq!(numbers(&bed).await, [("a".to_owned(), 1), ("c".to_owned(), 3), ("b".to_owned(), 4)]);
    let (b, c) = (bed.state.sink(name("b"), Policy::default()).await, bed.state.sink(name("c"), Policy::default()).await);
    c.expect("it is there").holds("x", "x", Permissions::default()).await;
    assert_eq!(b.expect("it is there").applied_rows().await.expect("read"), 0, "what it held is forgotten");
    let report = Views::open(bed.state.path()).key_report(key("x")).await.expect("read").expect("it is known");
    let of: Vec<_> = report.history.iter().map(|happened| happened.sink.as_ref().map(SinkName::as_str)).collect();
    assert_eq!(of, [Some("a"), None, Some("c")], "the operation of the sink that went is not the new one's of its name");
}

/// Permissions of a deleted file were kept for only one sink and stayed after that sink was removed: the next sink applied them
/// to the next file.
#[tokio::test]
async fn permissions_that_only_a_removed_sink_needed_are_removed_with_it() {
    for (names, answer) in [(&["a"] as &[_], dropped(&["b"])), (&["a", "b"], new(&["b"]))] {
        let bed = in_use().await;
        bed.replay(&[reported("x", "rw", 1)], &[("x", Some("x"))]).await;
        bed.replay(&[event(EventKind::Delete, "x", 5)], &[("x", None)]).await;
        bed.a.goes("x").await;
        assert_eq!(bed.kept_permissions().await, (vec!["x".to_owned()], 1), "the second sink has the file");
        bed.state.identify(identity(names), answer, at(0)).await.expect("the operator said so");
        assert_eq!(bed.kept_permissions().await, (vec![], 0), "{names:?}");
    }
}

/// A sink has lost a file, which outdated the file's reported permissions there. This stays so when the sink is started over.
#[tokio::test]
async fn outdated_permissions_of_a_sink_stay_outdated_when_it_starts_over() {
    let bed = in_use().await;
    bed.replay(&[reported("x", "rw", 1)], &[("x", Some("x"))]).await;
    bed.replay(&[event(EventKind::Delete, "x", 5)], &[("x", None)]).await;
    bed.a.goes("x").await;
    bed.state.identify(identity(&["a", "b"]), new(&["a"]), at(0)).await.expect("the operator said so");
    bed.page(&[("x", "y")]).await;
    assert_eq!((bed.a.permissions_at("x").await.0, bed.b.permissions_at("x").await.0.as_deref()), (None, Some("rw")));
}
