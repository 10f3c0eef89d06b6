//! Words that messages and comments do not use: each has a plain word of the field. Keys that programs parse keep theirs.

use crate::source::{Source, is_word, words};

/// The word, and what to write instead.
const WORDS: [(&str, &str); 15] = [
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
];

/// Keys of JSON: contracts.
const KEYS: [&str; 1] = ["\"doors\""];

pub(crate) fn violations(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("src/") || path.contains("tests") {
        return Vec::new();
    }
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let mut violations = Vec::new();
    let source = Source::of(shipped);
    for (line, (literals, comments)) in source.literals.lines().zip(source.comments.lines()).enumerate() {
        let message = KEYS.iter().fold(without_arguments(literals), |message, key| message.replace(key, ""));
        let comment: String = comments.split('`').step_by(2).collect();
        for (word, instead) in WORDS {
            for (text, what) in [(&message, "a message"), (&comment, "a comment")] {
                if words(text, word).next().is_some() {
                    violations.push(format!("line {}: {what} says {word:?}: write {instead:?}", line + 1));
                }
            }
        }
    }
    violations
}

/// The text without what stands in braces: those are identifiers.
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
fn a_word_is_seen_in_a_message_and_in_a_comment() {
    for (text, seen) in [
        (r#"let a = "the door is open";"#, true),
        (r#"let a = "nobody listens";"#, true),
        (r#"let door = "an endpoint"; // the endpoint, `door` in JSON"#, false),
        ("fn door() {} /// The door.", true),
        (r#"write!(f, "endpoint {door}")"#, false),
        (r#"const KEY: &str = "doors";"#, false),
        ("let a = \"told_at\";", false),
        ("#[cfg(test)]\nmod tests { const A: &str = \"a door\"; }", false),
    ] {
        assert_eq!(!violations("src/a.rs", text).is_empty(), seen, "{text}");
    }
    assert!(violations("tests/a.rs", r#""a door""#).is_empty());
}
