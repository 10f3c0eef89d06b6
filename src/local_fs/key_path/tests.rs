//! The table of keys and paths, and properties that hold for all keys.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

fn key(raw: &str) -> ObjectKey {
    ObjectKey::new(raw).expect("not empty")
}

fn path(raw: &str) -> String {
    path_of(&key(raw)).into_os_string().into_string().expect("the path of a key is text")
}

fn escaped_path(raw: &str) -> String {
    escaped_path_of(&key(raw)).into_os_string().into_string().expect("the path of a key is text")
}

#[test]
fn the_table_of_keys_and_paths() {
    let table: Value = serde_json::from_str(include_str!("../../../tests/fixtures/key-paths.json")).expect("JSON");
    let cases = table["cases"].as_array().expect("cases");
    assert!(cases.len() > 40);
    for case in cases {
        let (raw, expected) = (case["key"].as_str().expect("a key"), case["path"].as_str().expect("a path"));
        assert_eq!(path(raw), expected, "{raw}");
        let expected_key = match case["reads_back"].as_str() {
            Some(raw) if raw == expected => KeyOfPath::Ordinary(key(raw)),
            Some(raw) => KeyOfPath::Escaped(key(raw)),
            None if is_ordinary(expected) => KeyOfPath::Ordinary(key(expected)),
            None => KeyOfPath::Unknown,
        };
        assert_eq!(key_of(expected), expected_key, "{raw}");
    }
}

#[test]
fn an_ordinary_key_has_an_escaped_path_too() {
    for (raw, expected) in
        [("a", "a.%ca978112ca1bbdcafac231b39a23dc4d"), ("x/.S3-sync", "x/%2ES3-sync.%"), ("100%/b", "100%25/b.%"), ("trail.", "trail..%")]
    {
        assert!(escaped_path(raw).starts_with(expected), "{raw}: {}", escaped_path(raw));
        assert_eq!(key_of(&escaped_path(raw)), KeyOfPath::Escaped(key(raw)));
    }
}

#[test]
fn a_path_that_only_resembles_an_escaped_one_has_no_key() {
    let digits = digest("aA");
    for path in [
        "a.%00000000000000000000000000000000",
        // Undone it would give a key with this digest, but that key stands at another path.
        &format!("a%41.%{digits}"),
        &format!("a%4.%{digits}"),
        &format!("a%é.%{digits}"),
        &format!("a%FF.%{digits}"),
        &format!(".%{digits}"),
        "",
        "../x",
        "/x",
        "a//b",
        ".s3-sync/tmp/x",
    ] {
        assert_eq!(key_of(path), KeyOfPath::Unknown, "{path}");
    }
    assert_eq!(key_of(&escaped_path("aA")), KeyOfPath::Escaped(key("aA")));
}

#[test]
fn the_directory_of_a_marker() {
    for (raw, expected) in [
        ("d/", Some("d")),
        ("d/e/", Some("d/e")),
        ("d%/", Some("d%")),
        ("d", None),
        ("a//b/", Some("a/%_/b")),
        ("../", Some("%2E%2E")),
        ("/", Some("%_")),
        (".s3-sync/", Some("%2Es3-sync")),
        // Its files are ordinary keys, so they stand below the name as it is.
        ("x.%00000000000000000000000000000000/", Some("x.%00000000000000000000000000000000")),
    ] {
        assert_eq!(directory_of_marker(&key(raw)).as_deref(), expected.map(Path::new), "{raw}");
    }
}

#[test]
fn hostile_keys_have_different_paths_that_stay_below_the_root() {
    let keys: Vec<String> = serde_json::from_str(include_str!("../../../tests/fixtures/hostile-keys.json")).expect("a list of keys");
    let mut seen = HashMap::new();
    for raw in keys.iter().filter(|raw| !raw.is_empty()) {
        assert_safe(raw);
        if let Some(other) = seen.insert(path(raw), raw) {
            assert_eq!(raw, other);
        }
    }
}

/// All lengths around both bounds, so that a cut would fall on each byte of a character and of a `%XX`.
#[test]
fn a_cut_keeps_characters_and_escapes_whole() {
    for unit in ["n", "ü", "€", "😀", "%", "\0", "a%", "%ü", "..", "%_"] {
        for lead in ["", "n", "nn", "%"] {
            for length in 150..=260 {
                let long: String = lead.chars().chain(unit.chars().cycle()).take(length).collect();
                for raw in [format!("//{long}"), format!("{long}//x"), long.clone()] {
                    assert_safe(&raw);
                    let escaped = escaped_path(&raw);
                    let was_cut = raw.split('/').any(|component| super::escaped(component).len() > CUT_ABOVE_BYTES);
                    let expected = if was_cut { KeyOfPath::Unknown } else { KeyOfPath::Escaped(key(&raw)) };
                    assert_eq!(key_of(&escaped), expected, "{raw}");
                    let whole = |component: &str| component.is_empty() || unescaped_component(component).is_some();
                    assert!(without_digest(&escaped).expect("escaped").split('/').all(whole), "{raw}: {escaped}");
                }
            }
        }
    }
}

/// The path of this key can be created below a root and nowhere else.
fn assert_safe(raw: &str) {
    for path in [path(raw), escaped_path(raw)] {
        let first = path.split('/').next().expect("a first component");
        assert!(!first.eq_ignore_ascii_case(OWN_DIRECTORY), "{raw}: {path}");
        assert!(raw.len() > 1024 || path.len() <= MAX_PATH_BYTES, "{raw}: {path}");
        for name in path.split('/') {
            assert!(!matches!(name, "" | "." | "..") && !name.contains('\0') && name.len() <= MAX_NAME_BYTES, "{raw}: {path}");
        }
    }
}

/// Pieces of which hostile keys are made: some are what escaping writes.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(&["/", "//", ".", "..", "%", "%25", "%2E", "%_", "%00", "\0", ".%", ".s3-sync", ".S3-sync", "a", "ü", " ", "\\", ":"][..])
            .prop_map(str::to_owned),
        "[a-f0-9]{32}",
        "[a-z%/.]{1,12}",
        (170..260_usize).prop_map(|length| "n".repeat(length)),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

/// A key, and keys that are meant to collide with it.
fn family() -> impl Strategy<Value = Vec<String>> {
    hostile().prop_map(|raw| {
        let once = path(&raw);
        let escaped = escaped_path(&raw);
        let twice = escaped_path(&escaped);
        let undigested = without_digest(&escaped).unwrap_or_default().to_owned();
        let marker = format!("{raw}/");
        vec![raw, once, escaped, twice, undigested, marker].into_iter().filter(|raw| !raw.is_empty()).collect()
    })
}

proptest! {
    #[test]
    fn a_path_belongs_to_one_key(family in family(), other in hostile()) {
        let mut paths: HashMap<String, String> = HashMap::new();
        for raw in family.iter().chain([&other]) {
            assert_safe(raw);
            // An ordinary key may stand at its escaped path, so that path belongs to no other key either.
            for path in [path(raw), escaped_path(raw)] {
                let owner = paths.entry(path.clone()).or_insert_with(|| raw.clone());
                prop_assert_eq!(&*owner, raw, "{}", path);
            }
        }
    }

    #[test]
    fn a_path_gives_its_key_back_where_nothing_was_cut(family in family()) {
        for raw in family {
            let cut = raw.split('/').any(|component| escaped(component).len() > CUT_ABOVE_BYTES);
            match key_of(&path(&raw)) {
                KeyOfPath::Ordinary(read) => prop_assert!(read.as_str() == raw && path(&raw) == raw),
                KeyOfPath::Escaped(read) => prop_assert!(read.as_str() == raw && !cut),
                KeyOfPath::Unknown => prop_assert!(cut, "{} was not cut", raw),
            }
        }
    }

    #[test]
    fn any_path_has_at_most_one_key(text in hostile()) {
        match key_of(&text) {
            KeyOfPath::Ordinary(read) => prop_assert_eq!(path(read.as_str()), text),
            KeyOfPath::Escaped(read) => prop_assert_eq!(escaped_path(read.as_str()), text),
            KeyOfPath::Unknown => {}
        }
    }
}
