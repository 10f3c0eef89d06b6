//! Parses the text of `.env` and of the YAML file into layers. Pure: the caller reads the files. Errors give a line number and a
//! reason of our own, because the parsers' messages repeat the line, which may hold a secret.

use super::{error::ConfigProblem, layers::Layer, names, origin::Location};
use serde::{Deserialize, de::IgnoredAny};
use serde_saphyr::Spanned;
use std::{collections::BTreeMap, path::Path};

/// `.env`: `NAME=value` lines with comments, quotes and `$NAME`, as docker and dotenv read them. Reports the first invalid line.
pub(super) fn dot_env(text: &str) -> (Layer, Vec<ConfigProblem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (pairs, errors): (Vec<_>, Vec<_>) = dotenvy::from_read_iter(text.as_bytes()).partition(Result::is_ok);
    let ours = pairs.into_iter().flatten().filter(|(name, _)| names::is_relevant(name) || names::is_near_miss(name));
    let broken = errors.into_iter().find_map(Result::err).map(|error| {
        let line = broken_line(text, &error);
        let reason = format!("line {line} is not NAME=value (a value with spaces, quotes or # needs single quotes)");
        ConfigProblem::Unreadable { location: Location::DotEnv, reason }
    });
    (Layer::new(&Location::DotEnv, ours), broken.into_iter().collect())
}

/// The number of the line that the parser rejected, which its error does not contain: the last line of the shortest prefix of the
/// text with the same error. (An unclosed quote extends to the end of the text; then the line where the quote begins is
/// returned.)
fn broken_line(text: &str, error: &dotenvy::Error) -> usize {
    let shown = error.to_string();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let fails_alike = |beginning: &str| {
        let mut errors = dotenvy::from_read_iter(beginning.as_bytes()).filter_map(Result::err);
        errors.next().is_some_and(|error| error.to_string() == shown)
    };
    let ends: Vec<_> = (1..=lines.len()).collect();
    let last = ends.partition_point(|end| !fails_alike(&lines[..*end].concat())) + 1;
    let spanned = match error {
        dotenvy::Error::LineParse(broken, _) => broken.lines().count().max(1),
        _ => 1,
    };
    (last + 1).saturating_sub(spanned).max(1)
}

/// The YAML file's `service:` block: one level of scalars, each kept as the text in the file.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    service: Option<BTreeMap<String, Spanned<Option<String>>>>,
}

/// The YAML file: the keys under `service:`. Other top-level keys are ignored with a notice.
pub(super) fn yaml(path: &Path, text: &str) -> (Layer, Vec<ConfigProblem>) {
    let location = |line| Location::File { path: path.to_owned(), line };
    match yaml_document(text) {
        Ok(document) => {
            let entries = document.and_then(|document| document.service).unwrap_or_default().into_iter();
            let entries = entries.map(|(key, value)| {
                let at = location(Some(value.referenced.line()));
                (names::variable(&key), value.value.unwrap_or_default(), at)
            });
            let outside = top_level_keys(text).into_iter().filter(|key| key != names::SETTINGS_KEY);
            let (misplaced, unread): (Vec<_>, Vec<_>) = outside.partition(|key| names::is_known(&names::variable(key)));
            let problems = misplaced.into_iter().map(|key| ConfigProblem::Misplaced { key, location: location(None) }).collect();
            (Layer::placed(&location(None), entries).with_unread_keys(unread), problems)
        }
        Err(error) => {
            let line = error.location().map(|location| location.line());
            (
                Layer::new::<String, String>(&location(None), []),
                vec![ConfigProblem::Unreadable { location: location(line), reason: yaml_reason(&error) }],
            )
        }
    }
}

#[expect(clippy::zero_sized_map_values, reason = "serde reads the keys of a map only together with its values")]
fn top_level_keys(text: &str) -> Vec<String> {
    let root = serde_saphyr::from_str::<Option<BTreeMap<String, IgnoredAny>>>(text).ok().flatten();
    root.map(|root| root.into_keys().collect()).unwrap_or_default()
}

fn yaml_document(text: &str) -> Result<Option<Document>, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { with_snippet: false })
}

fn yaml_reason(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    let reason = match error {
        Error::DuplicateMappingKey { .. } => "a key is given twice",
        Error::MultipleDocuments { .. } => "there is more than one document in it",
        Error::Unexpected { .. } => "`service:` takes `name: value` lines, no lists and no deeper levels",
        _ => "not valid YAML from here on",
    };
    reason.to_owned()
}
