//! Unknown names: an error in the YAML file, a notice in the environment. Pure.

use super::{error::ConfigProblem, layers::Layer, origin::Location, table};

/// The YAML key that holds the settings.
pub(super) const SETTINGS_KEY: &str = "service";

/// A name that differs from a known one by at most this many letters counts as a typo.
const MAX_TYPO_DISTANCE: usize = 2;

/// Keys under `service:` that are not settings.
pub(super) fn unknown_keys(layers: &[Layer]) -> Vec<ConfigProblem> {
    let files = layers.iter().filter(|layer| matches!(layer.location(), Location::File { .. }));
    let unknown = files.flat_map(Layer::names).filter(|(name, _)| !is_known(name));
    unknown
        .map(|(name, location)| ConfigProblem::UnknownKey {
            key: file_key(name).escape_debug().to_string(),
            location: location.clone(),
            nearest: nearest(name).map(|name| file_key(&name)),
        })
        .collect()
}

/// Warnings for the operator: settings that were replaced, and typos.
pub(super) fn notices(layers: &[Layer]) -> Vec<String> {
    let given = |name: &&(&str, &str)| layers.iter().any(|layer| layer.get(name.0).is_some());
    let retired = table::RETIRED.iter().filter(given).map(|(_, notice)| (*notice).to_owned());
    let ambient = layers.iter().filter(|layer| matches!(layer.location(), Location::Environment | Location::DotEnv));
    let slips = ambient.flat_map(Layer::names).filter(|(name, location)| !is_known(name) && is_meant_as_setting(name, location));
    let slips = slips.map(|(name, location)| {
        let hint = nearest(name).map_or_else(String::new, |nearest| format!(": did you mean {nearest}?"));
        format!("{name} ({location}) is not a setting and is not read{hint}")
    });
    let unread = layers.iter().flat_map(|layer| {
        layer.unread_keys().iter().map(move |key| {
            let hint = if edit_distance(key, SETTINGS_KEY) <= MAX_TYPO_DISTANCE {
                "did you mean service?"
            } else {
                "settings belong under `service:`"
            };
            format!("{} ({}) is not read: {hint}", key.escape_debug(), layer.location())
        })
    });
    retired.chain(slips).chain(unread).collect()
}

/// True for an environment variable that is a setting or may be meant as one.
pub(super) fn is_relevant(name: &str) -> bool {
    is_known(name) || has_own_prefix(name)
}

/// The variable's name for a key of the YAML file. A key that is not in lower case is never a setting, so it is returned
/// unchanged.
pub(super) fn variable(key: &str) -> String {
    if key.chars().any(|c| c.is_ascii_uppercase()) { format!("service.{key}") } else { key.to_ascii_uppercase() }
}

pub(super) fn is_known(name: &str) -> bool {
    table::known_names().any(|known| known == name)
}

/// True for a typo of a known name. Only for `.env`, which is written for this program.
pub(super) fn is_near_miss(name: &str) -> bool {
    nearest(name).is_some()
}

/// True if the operator probably meant a setting.
fn is_meant_as_setting(name: &str, location: &Location) -> bool {
    has_own_prefix(name) || (*location == Location::DotEnv && is_near_miss(name))
}

fn has_own_prefix(name: &str) -> bool {
    table::OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The reverse of [`variable`].
fn file_key(name: &str) -> String {
    name.strip_prefix("service.").map_or_else(|| name.to_ascii_lowercase(), str::to_owned)
}

/// The known name with the smallest edit distance, if that is within the limit for a typo.
fn nearest(name: &str) -> Option<String> {
    let name = file_key(name).to_ascii_uppercase();
    let (differences, known) = table::known_names().map(|known| (edit_distance(&name, &known), known)).min()?;
    (differences <= MAX_TYPO_DISTANCE.min((name.len() / 3).max(1))).then_some(known)
}

/// The number of letters to change, add or remove (Levenshtein).
fn edit_distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (line, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, b) in other.chars().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_counted_in_letters() {
        for (one, other, expected) in [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 2), ("ü", "u", 1)] {
            assert_eq!(edit_distance(one, other), expected, "{one} {other}");
            assert_eq!(edit_distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn a_typo_finds_its_name_and_nonsense_finds_none() {
        for (name, expected) in [
            ("CUSTOMER_S3_BUKET", Some("CUSTOMER_S3_BUCKET")),
            ("CONCURENCY", Some("CONCURRENCY")),
            ("service.Concurrency", Some("CONCURRENCY")),
            ("CUSTOMER_S3_SECRET_KEY_FIL", Some("CUSTOMER_S3_SECRET_KEY_FILE")),
            ("ZZZZ", None),
            // Half of its letters occur in SYNC_CRON.
            ("SYNC_MODES", None),
            ("EVENTS_API_TOKEN", None),
            ("", None),
        ] {
            assert_eq!(nearest(name).as_deref(), expected, "{name}");
        }
    }
}
