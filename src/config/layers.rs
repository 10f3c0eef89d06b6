//! The layers of settings, in order of precedence. Pure: reads no file and no environment.

use super::{error::ConfigProblem, origin::Location};
use std::{collections::BTreeMap, fmt};

/// One layer with its values.
#[derive(Clone)]
pub struct Layer {
    location: Location,
    values: BTreeMap<String, (String, Location)>,
    /// Top-level keys of a YAML file that nothing reads.
    unread: Vec<String>,
}

impl Layer {
    /// A layer whose values all have the same location.
    pub fn new<N: Into<String>, V: Into<String>>(location: &Location, values: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::placed(location, values.into_iter().map(|(name, value)| (name.into(), value.into(), location.clone())))
    }

    /// A layer with a location for each value. If a name is given twice, the last value counts, as in a shell.
    pub fn placed(location: &Location, values: impl IntoIterator<Item = (String, String, Location)>) -> Self {
        let values = values.into_iter().map(|(name, value, location)| (name, (value, location))).collect();
        Self { location: location.clone(), values, unread: Vec::new() }
    }

    /// Adds the file's top-level keys that nothing reads.
    pub(super) fn with_unread_keys(self, unread: Vec<String>) -> Self {
        Self { unread, ..self }
    }

    /// The file's top-level keys that nothing reads.
    pub(super) fn unread_keys(&self) -> &[String] {
        &self.unread
    }

    /// The value of a name. An empty text counts as not set, because compose files pass unset variables on as empty ones.
    pub(super) fn get(&self, name: &str) -> Option<(&str, &Location)> {
        self.values.get(name).filter(|(value, _)| !value.is_empty()).map(|(value, location)| (value.as_str(), location))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &Location)> {
        self.values.iter().map(|(name, (_, location))| (name.as_str(), location))
    }

    pub(super) fn location(&self) -> &Location {
        &self.location
    }
}

/// Shows only names: the values include secrets.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("location", &self.location)
            .field("names", &self.values.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// All layers in order of precedence, and the problems with reading them.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Flag, environment, `.env`, YAML file.
    pub layers: Vec<Layer>,
    /// Files and variables that could not be read.
    pub problems: Vec<ConfigProblem>,
}
