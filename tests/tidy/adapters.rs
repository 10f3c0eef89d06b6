//! Only adapters, which implement a source or a sink, and the code that connects the endpoints may use the calls of an endpoint.
//! And what a sink must not use.

use crate::ranks::named_stages;
use crate::source::{Source, line_at};

/// A module with calls, and the path prefixes that may use it. A path without `.rs` includes the tests beside the file.
const USERS: [(&str, &[&str]); 2] = [
    ("s3", &["src/s3/", "src/source/bucket.rs", "src/transfer/", "src/app/", "src/cli/commands/setup.rs", "src/cli/commands/self_test/"]),
    (
        "file_manager",
        &[
            "src/file_manager/",
            "src/apply/sink/file_manager.rs",
            "src/events/feed",
            "src/workflow/endpoints.rs",
            "src/workflow/publish.rs",
            "src/app/",
        ],
    ),
];

/// What a sink must not use: the engine's parts of `apply`, and `state`.
const NOT_A_SINKS: [&str; 5] = ["context", "error", "executor", "operation", "state"];

pub(crate) fn foreign_calls(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("src/") {
        return Vec::new();
    }
    let code = Source::of(text).code;
    let mut violations = Vec::new();
    for (at, named) in named_stages(path, &code) {
        let users = USERS.iter().find(|(stage, _)| *stage == named).map(|(_, users)| *users);
        if users.is_some_and(|users| !users.iter().any(|user| path.starts_with(user))) {
            violations.push(format!("line {}: `{named}` is named by its adapters: use a source or a sink", line_at(&code, at)));
        }
    }
    violations
}

pub(crate) fn knowing_sinks(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("src/apply/sink/") {
        return Vec::new();
    }
    let code = Source::of(text).code;
    let names = |line: &str, name: &str| {
        let beside = ["crate::apply::", "super::super::"].iter().any(|way| line.contains(&format!("{way}{name}")));
        beside || (name == "state" && line.contains("crate::state"))
    };
    let lines = code.lines().enumerate();
    let seen = lines.flat_map(|(index, line)| NOT_A_SINKS.iter().filter(move |name| names(line, name)).map(move |name| (index, name)));
    seen.map(|(index, name)| format!("line {}: a sink knows no `{name}`", index + 1)).collect()
}

#[test]
fn a_call_outside_of_the_adapters_is_detected() {
    for (path, text, seen) in [
        ("src/apply/operation/content.rs", "use crate::s3::S3Error;", Some("line 1: `s3` is named by its adapters")),
        ("src/apply/operation/content.rs", "\nuse crate::{file_manager::Saved, plan};", Some("line 2: `file_manager` is named")),
        ("src/apply/sink/file_manager.rs", "use crate::file_manager::Saved;", None),
        ("src/apply/sink/file_manager.rs", "use crate::s3::S3Error;", Some("`s3`")),
        ("src/source/lookup.rs", "fn f(bucket: &dyn crate::s3::ReadBucket) {}", Some("`s3`")),
        ("src/source/bucket.rs", "use crate::s3::ReadBucket;", None),
        ("src/events/feed/tests.rs", "use crate::file_manager::ReadFeed;", None),
        ("src/workflow/run.rs", "let file_manager = 1; // crate::file_manager\n", None),
        ("tests/it/main.rs", "use crate::s3::seeds;", None),
    ] {
        let violations = foreign_calls(path, text);
        assert_eq!(violations.first().map(String::as_str).is_some_and(|one| seen.is_some_and(|seen| one.contains(seen))), seen.is_some());
        assert_eq!(violations.is_empty(), seen.is_none(), "{path}: {text}: {violations:?}");
    }
}

#[test]
fn a_sink_that_uses_the_engine_is_detected() {
    for (path, text, seen) in [
        ("src/apply/sink/bucket.rs", "use crate::state::State;", true),
        ("src/apply/sink/bucket.rs", "use crate::apply::error::ApplyError;", true),
        ("src/apply/sink/bucket.rs", "use super::super::executor::Bounds;", true),
        ("src/apply/sink/bucket.rs", "use super::{Content, Sink};\nuse crate::plan::Renames;", false),
        ("src/apply/executor/drain.rs", "use crate::state::State;", false),
    ] {
        assert_eq!(!knowing_sinks(path, text).is_empty(), seen, "{path}: {text}");
    }
}
