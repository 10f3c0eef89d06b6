//! No file names a path outside of the project, neither a relative one nor one on a developer's machine.

use crate::source::Source;

/// Where people and tools keep working copies.
const PERSONAL: [&str; 5] = ["home", "root", "Users", "work", "workspace"];

pub(crate) fn violations(path: &str, text: &str) -> Vec<String> {
    let rust = path.strip_suffix(".rs").is_some();
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut seen = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let absolute = tokens(line).filter(|token| PERSONAL.iter().any(|dir| token.starts_with(&format!("/{dir}/"))));
        seen.extend(absolute.map(|token| (index, token.to_owned())));
        if !rust {
            let relative = tokens(line).filter(|token| leaves_the_project(directory, token));
            seen.extend(relative.map(|token| (index, token.to_owned())));
        }
    }
    if rust {
        seen.extend(included_from_outside(directory, text));
        seen.extend(paths_in_comments(&Source::of(text).comments));
    }
    seen.into_iter().map(|(index, place)| format!("line {}: `{place}` is outside the project", index + 1)).collect()
}

/// Paths that the compiler reads: `include_str!`, `include_bytes!`, `#[path = …]`.
fn included_from_outside(directory: &str, text: &str) -> Vec<(usize, String)> {
    let reads = |line: &str| ["include_str!(", "include_bytes!(", "#[path = "].iter().any(|how| line.contains(how));
    let lines = text.lines().enumerate().filter(|(_, line)| reads(line));
    lines
        .flat_map(|(index, line)| tokens(line).map(move |token| (index, token)))
        .filter(|(_, token)| leaves_the_project(directory, token))
        .map(|(index, token)| (index, token.to_owned()))
        .collect()
}

/// In prose a path begins at the root. A single step up (`../x`) may name a hostile key in a comment.
fn paths_in_comments(comments: &str) -> Vec<(usize, String)> {
    let lines = comments.lines().enumerate();
    lines
        .flat_map(|(index, line)| tokens(line).map(move |token| (index, token)))
        .filter(|(_, token)| token.matches('/').count() >= 2 && token.contains('.') && leaves_the_project("", token))
        .filter(|(_, token)| token.rsplit('/').next().is_some_and(|last| last.contains('.')))
        .map(|(index, token)| (index, token.to_owned()))
        .collect()
}

fn tokens(line: &str) -> impl Iterator<Item = &str> {
    line.split(|char: char| char.is_whitespace() || "\"'`()[]{}<>,;=|".contains(char))
}

/// True if a path that begins with `../` leaves the project from this directory.
fn leaves_the_project(directory: &str, token: &str) -> bool {
    let mut depth = directory.split('/').filter(|part| !part.is_empty()).count();
    if !token.starts_with("../") {
        return false;
    }
    for part in token.split('/') {
        match (part, depth) {
            ("..", 0) => return true,
            ("..", _) => depth -= 1,
            ("" | ".", _) => {}
            _ => depth += 1,
        }
    }
    false
}

#[test]
fn a_path_outside_is_detected() {
    let up = "..";
    let home = format!("const DIR: &str = \"/{}/me/project\";", "home");
    let secret = format!("cd /{}/main && make", "work");
    for (path, text, violated) in [
        ("src/a.rs", home.as_str(), true),
        ("Makefile", &secret, true),
        ("docs/a.md", "the map is in [the readme](../README.md)", false),
        ("docs/a.md", &format!("see `{up}/{up}/notes/a.md`"), true),
        ("README.md", &format!("see {up}/notes/a.md"), true),
        ("tests/it/a.rs", &format!("include_str!(\"{up}/fixtures/a.json\")"), false),
        ("tests/it/a.rs", &format!("include_str!(\"{up}/{up}/{up}/notes/a.json\")"), true),
        ("src/s3/mod.rs", &format!("//! As `{up}/notes/design.md` says."), true),
        ("src/s3/mod.rs", "//! A key `../x` is a key, and so is \"a/../b\".", false),
        ("src/s3/mod.rs", "let key = \"../../../etc/passwd\";", false),
        ("src/s3/mod.rs", "// https://example.com/home/page", false),
    ] {
        assert_eq!(!violations(path, text).is_empty(), violated, "{path}: {text}");
    }
}
