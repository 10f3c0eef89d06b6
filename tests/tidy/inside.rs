//! Rules inside a stage: the order of its parts, no import from a file's own `mod.rs`, no circle of files.

use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};

/// The parts of a stage that have an order. A part uses only itself and the parts before it.
const ORDERS: [&[&str]; 2] = [
    &["state::error", "state::database", "state::tables", "state::instance_lock", "state::handle", "state::transactions", "state::views"],
    &["apply::sink", "apply::error", "apply::context", "apply::operation", "apply::executor"],
];

/// Two parts that count as one: the executor starts operations, and moves use the executor.
const TOGETHER: [(&str, &str); 1] = [("apply::operation", "apply::executor")];

/// Stages whose files still import through their own `mod.rs`.
const IMPORTING_THROUGH_MOD_RS: [&str; 6] = ["cli", "daemon", "events::decode", "file_manager", "record", "s3"];

/// Names that only these files of the library may use.
const RESERVED: [(&str, &[&str]); 1] =
    [("s3", &["src/s3/", "src/source/bucket.rs", "src/apply/sink/", "src/transfer/", "src/object/", "src/app/", "src/cli/"])];

pub(crate) fn violations(path: &str, text: &str) -> Vec<String> {
    let Some(own) = module_of(path) else { return Vec::new() };
    let imports = imports(path, text);
    let mut violations = Vec::new();
    for named in &imports {
        for order in ORDERS {
            let place = |module: &str| order.iter().position(|part| is_inside(module, part));
            if let (Some(at), Some(of)) = (place(&own), place(named))
                && of > at
                && !TOGETHER.contains(&(order[at], order[of]))
            {
                violations.push(format!("`{}` may not name `{}`", order[at], order[of]));
            }
        }
    }
    violations
}

/// Imports of a type that a `mod.rs` above the file re-exports. The file names where it is defined: otherwise `circles` does not see what the file
/// needs, and a reader looks in two places.
pub(crate) fn through_own_mod_rs(files: &[(String, String)]) -> Vec<String> {
    let mod_files = files.iter().filter_map(|(path, text)| {
        let module = path.strip_prefix("src/")?.strip_suffix("/mod.rs")?.replace('/', "::");
        Some((module, reexports(text)))
    });
    let mod_files: BTreeMap<String, BTreeSet<String>> = mod_files.collect();
    let mut violations = Vec::new();
    for (path, text) in files.iter().filter(|(path, text)| !path.contains("tests") && !text.starts_with("#![cfg(test)]")) {
        let Some(own) = module_of(path).filter(|own| !IMPORTING_THROUGH_MOD_RS.iter().any(|stage| is_inside(own, stage))) else { continue };
        for named in imports(path, text) {
            let Some((module, name)) = named.rsplit_once("::") else { continue };
            if own != module && is_inside(&own, module) && mod_files.get(module).is_some_and(|names| names.contains(name)) {
                violations.push(format!("{path}: `{named}` is re-exported by a `mod.rs` above this file: name where it is defined"));
            }
        }
    }
    violations
}

/// The types that a `mod.rs` re-exports.
fn reexports(text: &str) -> BTreeSet<String> {
    let code = Source::of(text).code;
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let Some(at) = statement.rfind("use ") else { continue };
        let before = statement[..at].trim_end();
        if before.ends_with("pub") || before.ends_with(')') {
            flatten(&statement[at + "use ".len()..].split_whitespace().collect::<Vec<_>>().join(" "), "", &mut paths);
        }
    }
    // An import of a name in lower case may mean a module or a function, so only types count.
    let names = paths.iter().filter_map(|path| path.rsplit("::").next()).filter(|name| name.starts_with(char::is_uppercase));
    names.map(str::to_owned).collect()
}

/// Files that import each other in a circle, as modules; each circle once.
pub(crate) fn circles(files: &[(String, String)]) -> Vec<BTreeSet<String>> {
    let modules: BTreeSet<_> = files.iter().filter_map(|(path, _)| module_of(path)).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| !path.contains("tests")) {
        let Some(own) = module_of(path) else { continue };
        let named = imports(path, text).into_iter().filter_map(|path| longest_module(&path, &modules));
        arrows.entry(own.clone()).or_default().extend(named.filter(|named| *named != own));
    }
    let reaches = |from: &str| -> BTreeSet<String> {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(at) = left.pop() {
            left.extend(arrows.get(&at).into_iter().flatten().filter(|next| seen.insert((*next).clone())).cloned());
        }
        seen
    };
    let all: BTreeMap<_, _> = arrows.keys().map(|module| (module.clone(), reaches(module))).collect();
    let circle = |module: &String| -> BTreeSet<String> {
        all[module].iter().filter(|other| all.get(*other).is_some_and(|reached| reached.contains(module))).cloned().collect()
    };
    all.keys().map(circle).filter(|circle| circle.len() > 1).collect::<BTreeSet<_>>().into_iter().collect()
}

/// `src/state/tables/applied.rs` is `state::tables::applied`. `mod.rs`, `lib.rs` and `main.rs` only re-export.
fn module_of(path: &str) -> Option<String> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let is_face = matches!(inside, "lib" | "main") || inside.ends_with("/mod");
    (!is_face).then(|| inside.replace('/', "::"))
}

/// The full paths in a file's `use` declarations, from the crate's root. Test modules inside the file are not checked.
fn imports(path: &str, text: &str) -> BTreeSet<String> {
    let code = Source::of(text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()).code;
    let own = module_of(path).unwrap_or_default();
    let mut found = BTreeSet::new();
    for statement in code.split(';') {
        let Some(at) = statement.rfind("use ") else { continue };
        let before = statement[..at].trim_end();
        if before.ends_with("pub") || before.ends_with(')') || statement[at..].contains('=') {
            continue;
        }
        let mut paths = Vec::new();
        flatten(&statement[at + "use ".len()..].split_whitespace().collect::<Vec<_>>().join(" "), "", &mut paths);
        found.extend(paths.iter().filter_map(|path| from_the_root(path, &own)));
    }
    found
}

fn flatten(tree: &str, before: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let name = tree.split(" as ").next().unwrap_or_default().trim();
        let path = format!("{before}{name}");
        return found.push(path.strip_suffix("::self").map_or_else(|| path.clone(), str::to_owned));
    };
    let before = format!("{before}{}", &tree[..open]);
    let inner = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let (mut depth, mut start) = (0_usize, 0);
    for (at, char) in inner.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                flatten(&inner[start..at], &before, found);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        flatten(&inner[start..], &before, found);
    }
}

fn from_the_root(path: &str, own: &str) -> Option<String> {
    if let Some(inside) = path.strip_prefix("crate::") {
        return Some(inside.to_owned());
    }
    let (mut rest, mut base) = (path, own);
    while let Some(above) = rest.strip_prefix("super::") {
        rest = above;
        base = base.rsplit_once("::").map_or("", |(parent, _)| parent);
    }
    (rest.len() < path.len()).then(|| if base.is_empty() { rest.to_owned() } else { format!("{base}::{rest}") })
}

fn is_inside(path: &str, part: &str) -> bool {
    path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn longest_module(path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut path = path;
    loop {
        if modules.contains(path) {
            return Some(path.to_owned());
        }
        path = path.rsplit_once("::")?.0;
    }
}

/// Names that a file may not use, because they are reserved for other files.
pub(crate) fn reserved(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("src/") {
        return Vec::new();
    }
    let named = imports(path, text);
    let mut violations = Vec::new();
    for (module, owners) in RESERVED {
        let is_named = named.iter().any(|path| is_inside(path, module));
        if is_named && !owners.iter().any(|owner| path.starts_with(owner)) {
            violations.push(format!("`{module}` is named only by {}", owners.join(", ")));
        }
    }
    // The name of a sink is data: only the code that registers a sink may use one. (So may a migration.)
    if path.starts_with("src/state/") && !path.contains("tests") && Source::of(text).literals.contains("file_manager") {
        let seen = text.lines().filter(|line| line.contains("\"file_manager\"") || line.contains("'file_manager'")).count();
        let allowed = usize::from(path == "src/state/transactions/identity.rs");
        if seen > allowed {
            violations.push("the state knows no sink by its name".to_owned());
        }
    }
    violations
}

#[test]
fn an_import_against_the_order_is_detected() {
    for (path, text, seen) in [
        ("src/state/tables/applied.rs", "use crate::state::error::StateError;", false),
        ("src/state/tables/applied.rs", "use crate::state::{database::codec::time, transactions::replay};", true),
        ("src/state/tables/applied.rs", "use super::super::views::overview;", true),
        ("src/state/views/overview.rs", "use crate::state::{tables::applied, transactions::replay};", false),
        ("src/workflow/run.rs", "use crate::state::StateError;", false),
    ] {
        assert_eq!(!violations(path, text).is_empty(), seen, "{path}: {text}");
    }
}

#[test]
fn an_import_through_the_own_mod_rs_is_detected() {
    let mod_rs = "mod error;\npub use error::StateError;\npub(crate) use handle::{State, views::{self, Views}};\npub trait Store {}";
    for (path, text, seen) in [
        ("src/state/handle.rs", "use crate::state::StateError;", true),
        ("src/state/handle.rs", "use super::{State, Store};", true),
        ("src/state/tables/applied.rs", "use crate::state::Views;", true),
        ("src/state/handle.rs", "use super::Store;", false),
        ("src/state/handle.rs", "use super::error::StateError;", false),
        ("src/state/handle.rs", "#[cfg(test)]\nmod tests { use crate::state::StateError; }", false),
        ("src/state/tests.rs", "use super::StateError;", false),
        ("src/workflow/run.rs", "use crate::state::StateError;", false),
        ("src/state/mod.rs", "use self::error::StateError;", false),
    ] {
        let files = [("src/state/mod.rs".to_owned(), mod_rs.to_owned()), (path.to_owned(), text.to_owned())];
        assert_eq!(!through_own_mod_rs(&files).is_empty(), seen, "{path}: {text}");
    }
}

#[test]
fn a_circle_is_detected_once_and_a_reexport_makes_none() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = [
        file("src/a/one.rs", "use super::two::Two;"),
        file("src/a/two.rs", "use crate::a::{three::{self, Three}};"),
        file("src/a/three.rs", "use crate::a::one;"),
        file("src/a/mod.rs", "pub use one::One;"),
        file("src/b.rs", "use crate::a::One;"),
    ];
    let names = circles(&files).into_iter().map(|circle| circle.into_iter().collect::<Vec<_>>()).collect::<Vec<_>>();
    assert_eq!(names, [["a::one", "a::three", "a::two"]]);
}

#[test]
fn a_reserved_name_is_detected() {
    for (path, text, seen) in [
        ("src/workflow/run.rs", "use crate::s3::S3Error;", true),
        ("src/source/bucket.rs", "use crate::s3::S3Error;", false),
        ("src/state/views/overview.rs", "const NAME: &str = \"file_manager\";", true),
        ("src/state/views/overview.rs", "use crate::record::SinkName;", false),
    ] {
        assert_eq!(!reserved(path, text).is_empty(), seen, "{path}: {text}");
    }
}
