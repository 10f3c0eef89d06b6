//! The project's rules that a reviewer would otherwise have to remember. Rules that clippy can check are in `clippy.toml`.
//!
//! Each rule is a pure function from a file's path and text to its violations, with tests that show that it detects one. This
//! file reads the project's files and applies the rules.

#[path = "tidy/adapters.rs"]
mod adapters;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/images.rs"]
mod images;
#[path = "tidy/inside.rs"]
mod inside;
#[path = "tidy/owners.rs"]
mod owners;
#[path = "tidy/places.rs"]
mod places;
#[path = "tidy/plain_words.rs"]
mod plain_words;
#[path = "tidy/ranks.rs"]
mod ranks;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/type_names.rs"]
mod type_names;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A rule: takes a file's path from the project's root (with `/`) and its text, and returns one sentence for each violation.
type Rule = fn(path: &str, text: &str) -> Vec<String>;

fn holds_for_every_file(rule: Rule) {
    let files = project_files();
    assert!(files.iter().any(|(path, _)| path == "src/lib.rs"), "the walk must find the project");
    let violations: Vec<_> =
        files.iter().flat_map(|(path, text)| rule(path, text).into_iter().map(move |what| format!("{path}: {what}"))).collect();
    assert!(violations.is_empty(), "{} violation(s):\n{}", violations.len(), violations.join("\n"));
}

#[test]
fn a_module_uses_only_lower_modules() {
    holds_for_every_file(ranks::violations);
}

#[test]
fn the_parts_of_a_stage_keep_their_order() {
    holds_for_every_file(inside::violations);
}

#[test]
fn a_reserved_name_is_used_only_by_its_owners() {
    holds_for_every_file(inside::reserved);
}

#[test]
fn messages_comments_names_and_documents_use_plain_words() {
    holds_for_every_file(plain_words::violations);
}

#[test]
fn a_file_imports_nothing_through_its_own_mod_rs() {
    let violations = inside::through_own_mod_rs(&project_files());
    assert!(violations.is_empty(), "{} violation(s):\n{}", violations.len(), violations.join("\n"));
}

#[test]
fn a_name_of_a_type_has_one_meaning() {
    let shared = type_names::shared(&project_files());
    assert!(shared.is_empty(), "{shared:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files: Vec<_> = project_files().into_iter().filter(|(path, _)| path.starts_with("src/")).collect();
    let circles = inside::circles(&files);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_crate_is_named_only_by_the_stage_that_owns_it() {
    holds_for_every_file(owners::foreign_imports);
}

#[test]
fn only_adapters_name_the_calls_of_an_endpoint() {
    holds_for_every_file(adapters::foreign_calls);
}

#[test]
fn a_sink_knows_nothing_of_the_engine() {
    holds_for_every_file(adapters::knowing_sinks);
}

#[test]
fn only_the_state_writes_sql() {
    holds_for_every_file(owners::sql_outside_the_state);
}

#[test]
fn the_pure_stages_have_no_clock_no_async_and_no_input_or_output() {
    holds_for_every_file(owners::impurities);
}

#[test]
fn files_are_short() {
    holds_for_every_file(files::length);
}

#[test]
fn a_file_says_first_what_it_owns() {
    holds_for_every_file(files::header);
}

#[test]
fn a_module_is_named_for_what_it_owns() {
    holds_for_every_file(files::name);
}

#[test]
fn nothing_is_left_for_later() {
    holds_for_every_file(files::unfinished);
}

#[test]
fn no_test_is_ignored() {
    holds_for_every_file(files::ignored_tests);
}

#[test]
fn product_code_does_not_unwrap() {
    holds_for_every_file(files::unwraps);
}

#[test]
fn no_file_names_a_path_outside_the_project() {
    holds_for_every_file(places::violations);
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let files = project_files();
    let text_of = |wanted: &str| files.iter().find(|(path, _)| path == wanted).map_or("", |(_, text)| text);
    let reasons = text_of("docs/dependencies.md");
    for manifest in files.iter().filter(|(path, _)| path.ends_with("Cargo.toml")) {
        let missing = dependencies::without_reason(&manifest.1, reasons);
        assert!(missing.is_empty(), "docs/dependencies.md gives no reason for {missing:?} of {}", manifest.0);
    }
}

#[test]
fn the_dockerfiles_share_their_dependencies_and_know_every_member() {
    let text_of = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the project");
    let violations = images::violations(&text_of("Dockerfile"), &text_of("Dockerfile.mock-api"), &text_of("Cargo.toml"));
    assert!(violations.is_empty(), "Dockerfile, Dockerfile.mock-api:\n{}", violations.join("\n"));
}

#[test]
fn every_stage_is_on_the_map() {
    let files = project_files();
    let map = files.iter().find(|(path, _)| path == "docs/architecture.md").map_or("", |(_, text)| text);
    let missing: BTreeSet<_> = files.iter().filter_map(|(path, _)| ranks::missing_on_the_map(path, map)).collect();
    assert!(missing.is_empty(), "docs/architecture.md does not say what these own: {missing:?}");
}

/// Directories that the rules do not apply to: git's, build output, installed tools, data of runs, and test inputs, whose names
/// and bytes are hostile on purpose.
const NOT_OURS: [&str; 8] = [".git", ".venv", ".venv-bench", "target", "data", "test-data", "tests/fixtures", "node_modules"];
const TEXT_FILES: [&str; 11] = [".rs", ".md", ".sql", ".toml", ".sh", ".ps1", ".yml", ".yaml", ".txt", "Makefile", ".ci/run"];

fn project_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    files
}

fn collect(directory: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("a directory of the project can be read") {
        let entry = entry.expect("an entry of a directory can be read");
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if NOT_OURS.contains(&path.as_str()) {
            continue;
        }
        if entry.file_type().expect("an entry has a type").is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if TEXT_FILES.iter().any(|ending| path.ends_with(ending)) {
            files.push((path, fs::read_to_string(entry.path()).expect("a text file of the project is UTF-8")));
        }
    }
}
