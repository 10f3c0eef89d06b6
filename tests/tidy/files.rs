//! The form of a file: its length, first line, name, and forbidden content.

use crate::source::{Source, line_at, words};

const MOST_LINES: usize = 300;

pub(crate) fn length(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let too_long = lines > MOST_LINES && [".rs", ".sh"].iter().any(|ending| path.ends_with(ending));
    too_long.then(|| format!("{lines} lines, {MOST_LINES} at most: it owns more than one thing")).into_iter().collect()
}

pub(crate) fn header(path: &str, text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let says_something = first.strip_prefix("//! ").is_some_and(|sentence| sentence.split_whitespace().count() >= 3);
    let missing = is_rust(path) && !says_something;
    missing.then(|| "the first line does not say what the file owns (`//! …`)".to_owned()).into_iter().collect()
}

pub(crate) fn name(path: &str, _text: &str) -> Vec<String> {
    const EMPTY_NAMES: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "types", "manager", "misc"];
    if !is_rust(path) {
        return Vec::new();
    }
    let parts = path.trim_end_matches(".rs").split('/').filter(|part| EMPTY_NAMES.contains(part));
    parts.map(|part| format!("`{part}` says nothing: name it for the one thing it owns")).collect()
}

pub(crate) fn unfinished(_path: &str, text: &str) -> Vec<String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let seen = marks.iter().flat_map(|mark| words(text, mark).map(move |at| (at, mark)));
    seen.map(|(at, mark)| format!("line {}: {mark}: do it now, or open an issue", line_at(text, at))).collect()
}

pub(crate) fn ignored_tests(path: &str, text: &str) -> Vec<String> {
    lines_of_code_with(path, text, &["#[ignore", ", ignore)"], "a test that needs something is a feature and a make target")
}

pub(crate) fn unwraps(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("src/") && !path.contains("/src/") {
        return Vec::new();
    }
    lines_of_code_with(path, text, &[".unwrap()", ".unwrap_err()"], "say with `expect(\"invariant: …\")` why it cannot fail")
}

fn is_rust(path: &str) -> bool {
    path.strip_suffix(".rs").is_some()
}

fn lines_of_code_with(path: &str, text: &str, wanted: &[&str], advice: &str) -> Vec<String> {
    if !is_rust(path) {
        return Vec::new();
    }
    let code = Source::of(text).code;
    let seen = wanted.iter().flat_map(|wanted| code.match_indices(wanted));
    seen.map(|(at, found)| format!("line {}: `{found}`: {advice}", line_at(&code, at))).collect()
}

#[cfg(test)]
fn check(rule: fn(&str, &str) -> Vec<String>, cases: &[(&str, &str, bool)]) {
    for (path, text, violated) in cases {
        assert_eq!(!rule(path, text).is_empty(), *violated, "{path}: {}", text.chars().take(80).collect::<String>());
    }
}

#[test]
fn a_long_file_is_detected() {
    let longest = "x\n".repeat(MOST_LINES);
    let too_long = format!("{longest}x\n");
    check(
        length,
        &[("src/a.rs", &longest, false), ("src/a.rs", &too_long, true), ("a.sh", &too_long, true), ("docs/a.md", &too_long, false)],
    );
}

#[test]
fn a_missing_header_is_detected() {
    check(
        header,
        &[
            ("src/a.rs", "//! Owns one thing.\n", false),
            ("src/a.rs", "//! x\n", true),
            ("src/a.rs", "// Owns one thing.\n", true),
            ("tests/it/a.rs", "\n//! Owns one thing.\n", true),
            ("mock-s3/src/a.rs", "", true),
            ("docs/a.md", "# A page\n", false),
        ],
    );
}

#[test]
fn an_empty_name_is_detected() {
    check(
        name,
        &[
            ("src/utils.rs", "", true),
            ("tests/it/common/mod.rs", "", true),
            ("src/state/types.rs", "", true),
            ("src/file_manager/mod.rs", "", false),
            ("src/record/file_types.rs", "", false),
        ],
    );
}

#[test]
fn unfinished_work_is_detected() {
    let marked = format!("// {}: later", concat!("TO", "DO"));
    check(unfinished, &[("src/a.rs", &marked, true), ("Makefile", &marked, true), ("src/a.rs", "fn todos() {}", false)]);
}

#[test]
fn an_ignored_test_is_detected() {
    check(
        ignored_tests,
        &[
            ("tests/it/a.rs", "#[test]\n#[ignore]\nfn f() {}", true),
            ("tests/it/a.rs", "#[ignore = \"slow\"]", true),
            ("tests/it/a.rs", "#[cfg_attr(unix, ignore)]", true),
            ("tests/it/a.rs", "// no #[ignore] here", false),
        ],
    );
}

#[test]
fn an_unwrap_is_detected() {
    check(
        unwraps,
        &[
            ("src/a.rs", "let x = y.unwrap();", true),
            ("mock-api/src/a.rs", "let x = y.unwrap();", true),
            ("src/a.rs", "let x = y.unwrap_or(1); // not .unwrap()", false),
            ("tests/it/a.rs", "let x = y.unwrap();", false),
        ],
    );
}
