//! Which stages may use external crates and SQL, and what the pure stages must not use.

use crate::source::{Source, line_at, words};

/// Crates with one owner. `anyhow` is for code that prints an error, not for code that matches on errors.
/// `reqwest` has two owners: the exporters of telemetry need a blocking client, with the same trusted authorities as the other clients.
const OWNERS: [(&str, &[&str]); 32] = [
    ("aws_sdk_s3", &["s3"]),
    ("aws_config", &["sdk"]),
    ("aws_credential_types", &["sdk"]),
    ("aws_smithy_async", &["s3"]),
    ("aws_smithy_http_client", &["sdk"]),
    ("aws_smithy_runtime", &["s3"]),
    ("aws_smithy_runtime_api", &["sdk"]),
    ("aws_smithy_types", &["sdk"]),
    ("aws_types", &["s3"]),
    ("aws_sdk_sqs", &["events"]),
    ("http_body", &["sdk", "s3"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_http", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("reqwest", &["file_manager", "telemetry"]),
    ("rustls", &["trust"]),
    ("rusqlite", &["state"]),
    ("rustix", &["local_fs"]),
    ("csv", &["snapshot"]),
    ("csv_core", &["snapshot"]),
    ("percent_encoding", &["events"]),
    ("ryu_js", &["events"]),
    ("dotenvy", &["config"]),
    ("envy", &["config"]),
    ("croner", &["config"]),
    ("tokio_cron_scheduler", &["daemon"]),
    ("serde_saphyr", &["config"]),
    ("backon", &["retry"]),
    ("tracing_opentelemetry", &["telemetry"]),
    ("axum", &["http"]),
    ("anyhow", &["cli", "main"]),
];

pub(crate) fn foreign_imports(path: &str, text: &str) -> Vec<String> {
    let Some(stage) = stage_of(path) else { return Vec::new() };
    let code = Source::of(text).code;
    let mut violations = Vec::new();
    for (name, owners) in OWNERS {
        if owners.contains(&stage) {
            continue;
        }
        for at in words(&code, name).filter(|&at| is_a_crate(&code, at, name)) {
            violations.push(format!("line {}: only {} may name `{name}`", line_at(&code, at), owners.join(" and ")));
        }
    }
    if stage != "config" {
        for (at, _) in code.match_indices("env::var") {
            violations.push(format!("line {}: only config reads the environment", line_at(&code, at)));
        }
    }
    violations
}

pub(crate) fn sql_outside_the_state(path: &str, text: &str) -> Vec<String> {
    if stage_of(path).is_none_or(|stage| stage == "state") {
        return Vec::new();
    }
    let literals = Source::of(text).literals;
    let is_sql = |line: &str| {
        ["INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA "].iter().any(|verb| line.contains(verb))
            || (line.contains("SELECT ") && (line.contains(" FROM ") || line.contains("SELECT 1")))
            || (line.contains("UPDATE ") && line.contains(" SET "))
    };
    let lines = literals.lines().enumerate().filter(|(_, line)| is_sql(line));
    lines.map(|(index, _)| format!("line {}: only state writes SQL", index + 1)).collect()
}

pub(crate) fn impurities(path: &str, text: &str) -> Vec<String> {
    const IMPURE: [&str; 10] = ["async", "await", "tokio", "futures", "fs", "net", "env", "now", "SystemTime", "Instant"];
    let Some(stage @ ("record" | "diff" | "plan")) = stage_of(path) else { return Vec::new() };
    let code = Source::of(text).code;
    let a_variable = |at: usize, word: &str| word == "now" && !code[..at].ends_with("::");
    let seen = IMPURE.iter().flat_map(|word| words(&code, word).map(move |at| (at, word))).filter(|(at, word)| !a_variable(*at, word));
    seen.map(|(at, word)| format!("line {}: `{stage}` is pure and knows no `{word}`", line_at(&code, at))).collect()
}

/// The first directory or file below `src/`; `None` for `lib.rs`.
fn stage_of(path: &str) -> Option<&str> {
    let stage = path.strip_prefix("src/")?.split('/').next()?;
    Some(stage.strip_suffix(".rs").unwrap_or(stage)).filter(|stage| *stage != "lib")
}

/// True if the word is the root of a path or an import of its own: no field, local module or variable.
fn is_a_crate(code: &str, at: usize, name: &str) -> bool {
    let before = code[..at].trim_end();
    let after = code[at + name.len()..].trim_start();
    let imported = before.ends_with("use") && (after.starts_with(';') || after.starts_with("as "));
    let a_path_begins = after.starts_with("::") && (before.ends_with("<::") || !before.ends_with("::"));
    let absolute = before.strip_suffix("::").is_some_and(|before| before.ends_with("use") || before.ends_with(' '));
    imported || a_path_begins || absolute
}

#[cfg(test)]
fn check(rule: fn(&str, &str) -> Vec<String>, path: &str, text: &str, expected: Option<&str>) {
    let violations = rule(path, text);
    match expected {
        None => assert_eq!(violations, [""; 0], "{path}: {text}"),
        Some(expected) => assert!(violations.iter().any(|one| one.contains(expected)), "{path}: {text}: {violations:?}"),
    }
}

#[test]
fn a_foreign_import_is_detected() {
    for (path, text, expected) in [
        ("src/s3/aws.rs", "use aws_sdk_s3::Client;", None),
        ("src/cli/commands/self_test/mod.rs", "use aws_sdk_s3::Client;", Some("line 1: only s3 may name `aws_sdk_s3`")),
        ("src/cli/commands/self_test/mod.rs", "use ::aws_sdk_s3::Client;", Some("only s3")),
        ("src/cli/commands/self_test/mod.rs", "use aws_config as c;", Some("only sdk")),
        ("src/apply/mod.rs", "\nlet client = reqwest::Client::new();", Some("line 2: only file_manager and telemetry may name `reqwest`")),
        ("src/file_manager/http.rs", "let client = reqwest::Client::new();", None),
        ("src/workflow/initial.rs", "fn f(c: &rusqlite::Connection) {}", Some("only state")),
        ("src/diff/mod.rs", "let reader = csv::Reader::from_path(path);", Some("only snapshot")),
        ("src/cli/commands/diff.rs", "use crate::snapshot::csv::Rows; let csv = 1; csv.len();", None),
        ("src/s3/mod.rs", "let token = std::env::var(name);", Some("only config reads the environment")),
        ("src/main.rs", "for (name, value) in env::vars_os() {}", Some("only config")),
        ("src/config/env.rs", "std::env::var(name); dotenvy::dotenv(); serde_saphyr::from_str(text);", None),
        ("src/workflow/initial.rs", "fn f() -> anyhow::Result<()> {}", Some("only cli and main")),
        ("src/main.rs", "fn main() -> anyhow::Result<()> {}", None),
        ("src/apply/mod.rs", "use backon::Retryable;", Some("only retry")),
        ("src/daemon/mod.rs", "use opentelemetry::metrics::Counter;", Some("only telemetry")),
        ("src/telemetry/otlp/mod.rs", "use opentelemetry_sdk::Resource;", None),
        ("src/apply/mod.rs", "//! No `reqwest::Client` here.\nlet text = \"reqwest::Client\";", None),
        ("mock-s3/src/lib.rs", "use aws_sdk_s3::Client;", None),
    ] {
        check(foreign_imports, path, text, expected);
    }
}

#[test]
fn sql_outside_the_state_is_detected() {
    for (path, text, expected) in [
        ("src/state/observed.rs", "const SQL: &str = \"SELECT * FROM observed\";", None),
        ("src/cli/commands/status/mod.rs", "let sql = \"SELECT count(*) FROM observed\";", Some("line 1: only state writes SQL")),
        ("src/apply/mod.rs", "\nlet sql = r\"UPDATE applied SET size = 1\";", Some("line 2")),
        ("src/apply/mod.rs", "// INSERT INTO applied is what the state does\nlet hint = \"UPDATE the credentials\";", None),
    ] {
        check(sql_outside_the_state, path, text, expected);
    }
}

#[test]
fn an_impurity_is_detected() {
    for (path, text, expected) in [
        ("src/plan/mod.rs", "pub async fn plan() {}", Some("line 1: `plan` is pure and knows no `async`")),
        ("src/diff/merge.rs", "use std::{fs, io};", Some("`diff` is pure and knows no `fs`")),
        ("src/record/file.rs", "let at = Timestamp::now();", Some("`record` is pure and knows no `now`")),
        ("src/record/file.rs", "// no async, no tokio\nlet now = nowhere;", None),
        ("src/state/mod.rs", "let at = Instant::now();", None),
    ] {
        check(impurities, path, text, expected);
    }
}
