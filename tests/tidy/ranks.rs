//! Which stage may use which: those of lower ranks, and those to its left in its own rank.

use crate::source::{Source, is_word, line_at, words};

/// The map of `docs/architecture.md`.
const RANKS: [&[&str]; 10] = [
    &["mutant", "record", "clock", "causes", "trust", "failpoint"],
    &["snapshot", "diff", "plan", "retry", "endpoint", "config", "sdk"],
    &["telemetry", "s3", "file_manager", "local_fs", "run"],
    &["source", "transfer", "state"],
    &["events", "apply", "object"],
    &["report"],
    &["workflow"],
    &["daemon", "http"],
    &["app"],
    &["cli", "main"],
];

pub(crate) fn violations(path: &str, text: &str) -> Vec<String> {
    let Some(own) = stage_of(path) else { return Vec::new() };
    if place_of(own).is_none() {
        return vec![format!("the stage `{own}` has no rank: give it one in tests/tidy/ranks.rs and in docs/architecture.md")];
    }
    let code = Source::of(text).code;
    let mut violations = Vec::new();
    for (at, named) in named_stages(path, &code) {
        let line = line_at(&code, at);
        match place_of(named) {
            None => violations.push(format!("line {line}: `crate::{named}` is no stage of the map")),
            Some(_) if !may_name(own, named) => violations.push(format!("line {line}: `{own}` may not name `{named}`")),
            Some(_) => {}
        }
    }
    violations
}

/// The stage of this file in the map's notation (`state/`, `retry.rs`), if the map lacks it.
pub(crate) fn missing_on_the_map(path: &str, map: &str) -> Option<String> {
    let inside = path.strip_prefix("src/").filter(|inside| *inside != "lib.rs")?;
    let stage = inside.split_once('/').map_or_else(|| inside.to_owned(), |(directory, _)| format!("{directory}/"));
    (!map.contains(&format!("`{stage}`"))).then_some(stage)
}

fn may_name(own: &str, named: &str) -> bool {
    let together = [own, named];
    let never_each_other = together.contains(&"daemon") && together.contains(&"http");
    let wires_all = matches!(own, "cli" | "main");
    own == named || wires_all || (!never_each_other && place_of(named) < place_of(own))
}

/// The rank, and the position in it.
fn place_of(stage: &str) -> Option<(usize, usize)> {
    RANKS.iter().enumerate().find_map(|(rank, stages)| Some((rank, stages.iter().position(|known| *known == stage)?)))
}

/// The stage of a file; `None` for `lib.rs`.
fn stage_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    match inside {
        "lib" => None,
        _ => inside.split('/').next(),
    }
}

/// Every stage that the code uses, by `crate::` or by enough `super::` to leave its own, with the line.
pub(crate) fn named_stages<'code>(path: &str, code: &'code str) -> Vec<(usize, &'code str)> {
    let mut named = Vec::new();
    for at in words(code, "crate") {
        if let Some(rest) = code[at..].strip_prefix("crate::") {
            named.extend(first_names(rest).into_iter().map(|name| (at, name)));
        }
    }
    let depth = path.trim_end_matches("/mod.rs").matches('/').count();
    let way_out = "super::".repeat(depth);
    for (at, _) in code.match_indices(&way_out) {
        let outside = first_names(code[at + way_out.len()..].trim_start_matches("super::"));
        named.extend(outside.into_iter().filter(|name| place_of(name).is_some()).map(|name| (at, name)));
    }
    named
}

/// The first names of a path, or of each path of a group in braces.
fn first_names(rest: &str) -> Vec<&str> {
    let rest = rest.trim_start();
    let Some(group) = rest.strip_prefix('{') else {
        let path = rest.split(|char| !is_word(char)).next().unwrap_or_default();
        return vec![path];
    };
    let (mut depth, mut start, mut names) = (0_usize, 0, Vec::new());
    for (at, char) in group.char_indices() {
        let ends_an_entry = depth == 0 && matches!(char, ',' | '}');
        if ends_an_entry && !group[start..at].trim().is_empty() {
            names.extend(first_names(&group[start..at]));
        }
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = at + 1,
            _ => {}
        }
    }
    names
}

#[test]
fn allowed_and_forbidden_imports() {
    for (path, text, seen) in [
        ("src/plan/mod.rs", "use crate::record::ObjectKey;\nuse crate::diff;", None),
        ("src/plan/mod.rs", "fn f(state: &crate::state::State) {}", Some("line 1: `plan` may not name `state`")),
        ("src/diff/mod.rs", "use crate::plan::Operation;", Some("`diff` may not name `plan`")),
        ("src/retry.rs", "use crate::s3::S3Error;", Some("`retry` may not name `s3`")),
        ("src/s3/error.rs", "use crate::retry::Disposed;", None),
        (
            "src/s3/aws/client.rs",
            "\n\nuse crate::{record::{ETag, ObjectKey},\n workflow::initial};",
            Some("line 3: `s3` may not name `workflow`"),
        ),
        ("src/apply/mod.rs", "use crate::{s3, state::State, report,};", Some("`apply` may not name `report`")),
        ("src/http/mod.rs", "use crate::daemon::Daemon;", Some("`http` may not name `daemon`")),
        ("src/daemon/mod.rs", "use crate::http::Server;", Some("`daemon` may not name `http`")),
        ("src/cli/commands/daemon.rs", "use crate::{app, daemon, http, workflow};", None),
        ("src/app/engine.rs", "use crate::{daemon, http, workflow};", None),
        ("src/app/engine.rs", "use crate::cli::progress;", Some("`app` may not name `cli`")),
        ("src/daemon/mod.rs", "use crate::app::engine::Engine;", Some("`daemon` may not name `app`")),
        ("src/events/decode/sns.rs", "use crate::record::ObjectKey; use crate::events::decode::Event;", None),
        ("src/state/inbox.rs", "use crate::events::decode::Event;", Some("`state` may not name `events`")),
        ("src/events/feed.rs", "use crate::events::decode::Event; use crate::state::Inbox;", None),
        ("src/record/key.rs", "use super::super::state::State;", Some("`record` may not name `state`")),
        ("src/record/mod.rs", "use super::{clock, state};", Some("`record` may not name `clock`")),
        ("src/record/key.rs", "use super::state; // of its own", None),
        ("src/record/key.rs", "//! See `crate::workflow`.\nconst A: &str = \"crate::workflow\";", None),
        ("src/record/key.rs", "use crate::Everything;", Some("`crate::Everything` is no stage of the map")),
        ("src/mystery/mod.rs", "", Some("the stage `mystery` has no rank")),
        ("src/lib.rs", "pub use crate::cli::run;", None),
        ("tests/it/main.rs", "use crate::anything::at_all;", None),
    ] {
        let violations = violations(path, text);
        match seen {
            None => assert_eq!(violations, [""; 0], "{path}: {text}"),
            Some(expected) => assert!(violations.iter().any(|one| one.contains(expected)), "{path}: {text}: {violations:?}"),
        }
    }
}

#[test]
fn a_stage_that_the_map_lacks_is_detected() {
    let map = "| `state/` | what we believe |\n| `retry.rs` | whether |";
    for (path, missing) in [
        ("src/state/rows.rs", None),
        ("src/retry.rs", None),
        ("src/clock.rs", Some("clock.rs")),
        ("src/source/mod.rs", Some("source/")),
        ("src/lib.rs", None),
        ("tests/it/main.rs", None),
    ] {
        assert_eq!(missing_on_the_map(path, map).as_deref(), missing, "{path}");
    }
}
