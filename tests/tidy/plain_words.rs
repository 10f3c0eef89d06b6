//! Words that messages, comments, names, documents and the comments of SQL do not use: each has a plain word of the field. Keys that programs
//! parse and columns of the database keep theirs.

use crate::source::{Source, is_word, words};

/// The word, and the replacement.
const WORDS: [(&str, &str); 16] = [
    ("door", "endpoint"),
    ("doors", "endpoints"),
    ("shut", "unreachable"),
    ("heard", "received"),
    ("told", "reported"),
    ("nobody", "the actor's name"),
    ("somebody", "the actor's name"),
    ("whoever", "the actor's name"),
    ("heed", "follow"),
    ("heeds", "follows"),
    ("heeded", "followed"),
    ("moot", "what it is"),
    ("passed over", "ignored"),
    ("used up", "consumed"),
    ("in hand", "in flight"),
    ("thrown away", "removed"),
];

/// Words that no name in a test may contain. In prose they may be right: to look a key up.
const NAMES: [(&str, &str); 8] = [
    ("look", "observation, lookup, read"),
    ("looks", "observations, lookups, reads"),
    ("tell", "publish, report"),
    ("tells", "publishes, reports"),
    ("hear", "receive"),
    ("hears", "receives"),
    ("tally", "counters"),
    ("halt", "stop_signal"),
];

/// Names of the library that tests may use.
const LIBRARY: [&str; 6] = ["Look", "PassedOver", "look_up", "look_up_each", "passed_over", "told"];

/// Names of the library that are keys of JSON or columns of the database: contracts.
const CONTRACTS: [&str; 8] =
    ["PassedOver", "gone_told_at", "heard_at", "passed_over", "permissions_told", "queue_heard_at", "told", "told_at"];

/// Keys of JSON: contracts.
const KEYS: [&str; 2] = ["\"door\"", "\"doors\""];

/// Directories with code for tests and measurements. Messages and wire texts of the doubles are not checked.
const TESTS: [&str; 5] = ["tests/", "benches/", "examples/", "mock-api/", "mock-s3/"];

pub(crate) fn violations(path: &str, text: &str) -> Vec<String> {
    match path.rsplit('.').next() {
        Some("md") => return in_document(text),
        Some("sql") => return in_sql(text),
        Some("rs") => {}
        _ => return Vec::new(),
    }
    if TESTS.iter().any(|directory| path.starts_with(directory)) || (path.starts_with("src/") && path.contains("tests")) {
        return in_tests(text, 0);
    }
    if !path.starts_with("src/") {
        return Vec::new();
    }
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let mut violations = in_product(shipped);
    violations.extend(in_tests(&text[shipped.len()..], shipped.matches('\n').count()));
    violations
}

/// The prose of a document, without its blocks of code.
fn in_document(text: &str) -> Vec<String> {
    let (mut violations, mut in_code) = (Vec::new(), false);
    for (line, prose) in (1..).zip(text.lines()) {
        let is_fence = prose.trim_start().starts_with("```");
        in_code ^= is_fence;
        if !in_code && !is_fence {
            violations.extend(used(&without_code(prose), &WORDS).map(|(word, instead)| said(line, "the text", word, instead)));
        }
    }
    violations
}

fn in_sql(text: &str) -> Vec<String> {
    let comments = (1..).zip(text.lines()).filter_map(|(line, text)| Some((line, text.split_once("--")?.1)));
    let violations = comments.flat_map(|(line, comment)| {
        used(&without_code(comment), &WORDS).map(|(word, instead)| said(line, "a comment", word, instead)).collect::<Vec<_>>()
    });
    violations.collect()
}

fn in_product(text: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let source = Source::of(text);
    for (line, code) in (1..).zip(source.code.lines()) {
        for name in code.split(|char| !is_word(char)).filter(|name| !CONTRACTS.contains(name)) {
            violations.extend(used(&spaced(name), &WORDS).map(|(word, instead)| said(line, &format!("`{name}`"), word, instead)));
        }
    }
    for (line, (literals, comments)) in source.literals.lines().zip(source.comments.lines()).enumerate() {
        let message = KEYS.iter().fold(without_arguments(literals), |message, key| message.replace(key, ""));
        for (text, what) in [(message, "a message"), (without_code(comments), "a comment")] {
            violations.extend(used(&text, &WORDS).map(|(word, instead)| said(line + 1, what, word, instead)));
        }
    }
    violations
}

/// Checks comments and names. Literals of a test are data. `above` is the number of the file's lines before the text.
fn in_tests(text: &str, above: usize) -> Vec<String> {
    let mut violations = Vec::new();
    let source = Source::of(text);
    for (line, (code, comments)) in (above + 1..).zip(source.code.lines().zip(source.comments.lines())) {
        violations.extend(used(&without_code(comments), &WORDS).map(|(word, instead)| said(line, "a comment", word, instead)));
        for name in code.split(|char| !is_word(char)).filter(|name| !LIBRARY.contains(name)) {
            let (spaced, what) = (spaced(name), format!("`{name}`"));
            violations.extend(used(&spaced, &WORDS).chain(used(&spaced, &NAMES)).map(|(word, instead)| said(line, &what, word, instead)));
        }
    }
    violations
}

fn used<'text>(text: &'text str, list: &'static [(&str, &str)]) -> impl Iterator<Item = (&'static str, &'static str)> + 'text {
    list.iter().copied().filter(|(word, _)| words(text, word).next().is_some())
}

fn said(line: usize, what: &str, word: &str, instead: &str) -> String {
    format!("line {line}: {what} says {word:?}: write {instead:?}")
}

/// A comment in lower case, without code in backticks.
fn without_code(comment: &str) -> String {
    comment.split('`').step_by(2).collect::<String>().to_lowercase()
}

/// The words of a name: `in_hand`, `InHand` and `IN_HAND` become `in hand`.
fn spaced(name: &str) -> String {
    let mut spaced = String::new();
    let mut before = '_';
    for char in name.chars() {
        if char.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.extend(if char == '_' { ' ' } else { char }.to_lowercase());
        before = char;
    }
    spaced
}

/// The text without the contents of braces, which are identifiers.
fn without_arguments(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|char| {
            match char {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 || !is_word(*char)
        })
        .collect()
}

#[test]
fn a_word_is_detected_in_a_message_and_in_a_comment() {
    for (text, seen) in [
        (r#"let a = "the door is open";"#, true),
        (r#"let a = "nobody listens";"#, true),
        (r#"let name = "an endpoint"; // the endpoint, `door` in JSON"#, false),
        ("fn door() {}", true),
        ("fn name() {} /// The door.", true),
        ("struct InHand;", true),
        ("let reported = row.told_at;", false),
        (r#"write!(f, "endpoint {name}")"#, false),
        (r#"const KEY: &str = "doors";"#, false),
        ("let a = \"told_at\";", false),
        ("#[cfg(test)]\nmod tests { const A: &str = \"a door\"; }", false),
        ("#[cfg(test)]\nmod tests { /// The door.", true),
        ("#[cfg(test)]\nmod tests { fn a_door() {} }", true),
    ] {
        assert_eq!(!violations("src/a.rs", text).is_empty(), seen, "{text}");
    }
}

#[test]
fn a_word_is_detected_in_the_comments_and_names_of_tests() {
    for (text, seen) in [
        ("/// Nobody waits.", true),
        ("/// It stays in hand.", true),
        ("// the key `doors`", false),
        ("// the key is looked up, and the user is told", true),
        ("// the key is looked up", false),
        ("fn a_door_opens() {}", true),
        ("struct SceneDoors;", true),
        ("const DOORS: u8 = 1;", true),
        ("let in_hand = 1;", true),
        ("let hand = 1; let passed = over;", false),
        ("queue.tell(event);", true),
        ("fn the_look_of_a_receipt() {}", true),
        ("fn a_key_is_looked_up() {}", false),
        ("Flow { doors, counters }", true),
        ("source::look_up(key)", false),
        ("let a = \"the door, nobody\";", false),
    ] {
        for path in ["tests/it/a.rs", "benches/a.rs", "examples/a.rs", "mock-s3/tests/it/a.rs", "src/a/tests.rs"] {
            assert_eq!(!violations(path, text).is_empty(), seen, "{path}: {text}");
        }
    }
    assert_eq!(violations("src/a.rs", "\n#[cfg(test)]\nmod tests {\n    // a door\n")[0].split(':').next(), Some("line 4"));
}

#[test]
fn a_word_is_seen_in_a_document_and_in_sql() {
    for (path, text, seen) in [
        ("docs/a.md", "Nobody waits.", true),
        ("docs/a.md", "The key `doors` of JSON.", false),
        ("docs/a.md", "```text\na door\n```\nan endpoint", false),
        ("docs/a.md", "```text\nan endpoint\n```\na door", true),
        ("src/state/database/migrations/1.sql", "-- What nobody told.\nSELECT 1;", true),
        ("src/state/database/migrations/1.sql", "-- The column `told_at`.\nSELECT told FROM told;", false),
        ("scripts/a.sh", "# a door", false),
    ] {
        assert_eq!(!violations(path, text).is_empty(), seen, "{path}: {text}");
    }
}
