//! Names that were given and mean nothing: in the YAML file an error, in the environment a notice. Pure.

use super::{error::Problem, layers::Layer, origin::Place, table};

/// The key of the YAML file under which settings stand.
pub(super) const OURS: &str = "service";

/// So many letters may be wrong, missing or too many in what is taken for a slip of the pen: more make another word.
const SLIP_LETTERS: usize = 2;

/// Keys under `service:` that are no settings.
pub(super) fn strangers(layers: &[Layer]) -> Vec<Problem> {
    let files = layers.iter().filter(|layer| matches!(layer.place(), Place::File { .. }));
    let unknown = files.flat_map(Layer::names).filter(|(name, _)| !is_known(name));
    unknown
        .map(|(name, place)| Problem::UnknownKey {
            key: file_key(name).escape_debug().to_string(),
            place: place.clone(),
            nearest: nearest(name).map(|name| file_key(&name)),
        })
        .collect()
}

/// What the operator should know and what stops nothing: settings that were replaced, and slips of the pen.
pub(super) fn notices(layers: &[Layer]) -> Vec<String> {
    let given = |name: &&(&str, &str)| layers.iter().any(|layer| layer.get(name.0).is_some());
    let retired = table::RETIRED.iter().filter(given).map(|(_, notice)| (*notice).to_owned());
    let ambient = layers.iter().filter(|layer| matches!(layer.place(), Place::Environment | Place::DotEnv));
    let slips = ambient.flat_map(Layer::names).filter(|(name, place)| !is_known(name) && is_ours(name, place));
    let slips = slips.map(|(name, place)| {
        let hint = nearest(name).map_or_else(String::new, |nearest| format!(": did you mean {nearest}?"));
        format!("{name} ({place}) is no setting and is not read{hint}")
    });
    let unread = layers.iter().flat_map(|layer| {
        layer.unread().iter().map(move |key| {
            let hint = if differences(key, OURS) <= SLIP_LETTERS { "did you mean service?" } else { "settings stand under `service:`" };
            format!("{} ({}) is not read: {hint}", key.escape_debug(), layer.place())
        })
    });
    retired.chain(slips).chain(unread).collect()
}

/// Whether a variable of the environment is worth a look.
pub(super) fn is_of_interest(name: &str) -> bool {
    is_known(name) || looks_like_ours(name)
}

/// The variable's name for a key of the YAML file. A key that is not in lower case is no key of ours, so it stays as it is.
pub(super) fn variable(key: &str) -> String {
    if key.chars().any(|c| c.is_ascii_uppercase()) { format!("service.{key}") } else { key.to_ascii_uppercase() }
}

pub(super) fn is_known(name: &str) -> bool {
    table::known_names().any(|known| known == name)
}

/// Whether a name of `.env`, which is written for this program, is a slip of the pen.
pub(super) fn is_nearly_one(name: &str) -> bool {
    nearest(name).is_some()
}

/// Whether whoever wrote the name meant a setting.
fn is_ours(name: &str, place: &Place) -> bool {
    looks_like_ours(name) || (*place == Place::DotEnv && is_nearly_one(name))
}

fn looks_like_ours(name: &str) -> bool {
    table::OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The reverse of [`variable`].
fn file_key(name: &str) -> String {
    name.strip_prefix("service.").map_or_else(|| name.to_ascii_lowercase(), str::to_owned)
}

/// The known name with the fewest differences, when they are few enough to be a slip of the pen.
fn nearest(name: &str) -> Option<String> {
    let name = file_key(name).to_ascii_uppercase();
    let (differences, known) = table::known_names().map(|known| (differences(&name, &known), known)).min()?;
    (differences <= SLIP_LETTERS.min((name.len() / 3).max(1))).then_some(known)
}

/// Letters to change, add or leave out (Levenshtein).
fn differences(one: &str, other: &str) -> usize {
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
            assert_eq!(differences(one, other), expected, "{one} {other}");
            assert_eq!(differences(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_name_and_nonsense_finds_none() {
        for (name, expected) in [
            ("CUSTOMER_S3_BUKET", Some("CUSTOMER_S3_BUCKET")),
            ("CONCURENCY", Some("CONCURRENCY")),
            ("service.Concurrency", Some("CONCURRENCY")),
            ("CUSTOMER_S3_SECRET_KEY_FIL", Some("CUSTOMER_S3_SECRET_KEY_FILE")),
            ("ZZZZ", None),
            // Half of its letters are those of SYNC_CRON.
            ("SYNC_MODES", None),
            ("EVENTS_API_TOKEN", None),
            ("", None),
        ] {
            assert_eq!(nearest(name).as_deref(), expected, "{name}");
        }
    }
}
