//! The name of a type that more than one file of the library can use is the name of that type only.

use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};

const KINDS: [&str; 5] = ["struct ", "enum ", "trait ", "type ", "union "];

/// The names that several files define, each with those files.
pub(crate) fn shared(files: &[(String, String)]) -> Vec<String> {
    let mut definitions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (path, text) in
        files.iter().filter(|(path, _)| path.starts_with("src/") && path.strip_suffix(".rs").is_some() && !path.contains("tests"))
    {
        for name in defined(text) {
            definitions.entry(name).or_default().insert(path);
        }
    }
    let shared = definitions.into_iter().filter(|(_, paths)| paths.len() > 1);
    shared.map(|(name, paths)| format!("`{name}` is defined in {}", paths.into_iter().collect::<Vec<_>>().join(" and "))).collect()
}

/// The types of a file that are visible outside of it. A test module inside a file is not its concern.
fn defined(text: &str) -> Vec<String> {
    let code = Source::of(text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()).code;
    let visible = code.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("pub")?;
        Some(if rest.starts_with('(') { rest.split_once(')')?.1 } else { rest }.trim_start().to_owned())
    });
    let names = visible.filter_map(|item| KINDS.iter().find_map(|kind| item.strip_prefix(kind)).map(str::to_owned));
    names.map(|name| name.chars().take_while(|char| char.is_alphanumeric()).collect()).collect()
}

#[test]
fn a_name_of_two_types_is_seen() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let one = file("src/a.rs", "pub struct Content { pub size: u64 }");
    for (path, text, seen) in [
        ("src/b.rs", "pub(crate) enum Content {}", true),
        ("src/b.rs", "    pub(in crate::b) type Content<'a> = &'a str;", true),
        ("src/b.rs", "pub trait Content: Send {}", true),
        ("src/b.rs", "struct Content;", false),
        ("src/b.rs", "pub struct ContentType;", false),
        ("src/b.rs", "// pub struct Content;", false),
        ("src/b.rs", "pub use crate::a::Content;", false),
        ("src/b.rs", "#[cfg(test)]\nmod tests { pub struct Content; }", false),
        ("tests/it/b.rs", "pub struct Content;", false),
    ] {
        assert_eq!(!shared(&[one.clone(), file(path, text)]).is_empty(), seen, "{path}: {text}");
    }
}
