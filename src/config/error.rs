//! What is wrong with a configuration: every problem at once, each with its variable, what was given, where, and what would be
//! right. A secret's value is never part of it.

use super::origin::Place;
use std::{fmt, path::PathBuf};

/// Everything that is wrong, in the order of the documentation page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => f.write_str("the configuration has a problem:")?,
            count => write!(f, "the configuration has {count} problems:")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A value that means nothing.
    #[error("{name} is {} ({place}): give {right}", value.as_deref().unwrap_or("not right (its value is not shown)"))]
    Wrong {
        /// The variable.
        name: String,
        /// Quoted and escaped; `None` = it is a secret, or may hold one.
        value: Option<String>,
        /// Where it was given.
        place: Place,
        /// What would be right.
        right: &'static str,
    },
    /// The command needs it.
    #[error("{name} is missing: give {right}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What would be right.
        right: &'static str,
    },
    /// Two names of one setting, two values.
    #[error("{name} ({place}) and its older name {synonym} ({synonym_place}) have different values: give one of them")]
    Conflict {
        /// The variable.
        name: &'static str,
        /// Where it was given.
        place: Place,
        /// Its other name.
        synonym: &'static str,
        /// Where that was given.
        synonym_place: Place,
    },
    /// A secret, and a file with the secret.
    #[error("{name} ({place}) and {name}_FILE ({file_place}) are both given: give one of them")]
    SecretTwice {
        /// The variable.
        name: &'static str,
        /// Where it was given.
        place: Place,
        /// Where the file was given.
        file_place: Place,
    },
    /// The file with a secret.
    #[error("{name}_FILE is {path:?} ({place}), which cannot be used: {reason}")]
    SecretFile {
        /// The variable.
        name: &'static str,
        /// What was given.
        path: PathBuf,
        /// Where it was given.
        place: Place,
        /// Why not.
        reason: String,
    },
    /// Half of a pair.
    #[error("{given} is given without {missing}: give both, or neither for the credential chain of AWS")]
    HalfPair {
        /// The half that is there.
        given: &'static str,
        /// The other one.
        missing: &'static str,
    },
    /// A key in the YAML file that nothing reads.
    #[error("service.{key} ({place}) is no setting: {}", nearest.as_ref().map_or_else(|| "all settings are listed in docs/configuration.md".to_owned(), |nearest| format!("did you mean {nearest}?")))]
    UnknownKey {
        /// The key, escaped.
        key: String,
        /// Where it stands.
        place: Place,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A setting of ours outside the part of the YAML file that is ours.
    #[error("{key} ({place}) stands outside of `service:`: move it under that key")]
    Misplaced {
        /// The key.
        key: String,
        /// The file.
        place: Place,
    },
    /// A variable of the environment that is no text.
    #[error("{name} (environment) is not valid UTF-8: give text")]
    NotText {
        /// The variable.
        name: String,
    },
    /// A whole file that cannot be read; nothing of its content is repeated, because secrets stand in it.
    #[error("{place} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        place: Place,
        /// Why not.
        reason: String,
    },
}
