//! Where settings are given: the layers, in the order in which they win. Pure: it reads no file and no environment.

use super::{error::Problem, origin::Place};
use std::{collections::BTreeMap, fmt};

/// One place with what was given there.
#[derive(Clone)]
pub struct Layer {
    place: Place,
    values: BTreeMap<String, (String, Place)>,
    /// Top-level keys of a YAML file that nothing reads.
    unread: Vec<String>,
}

impl Layer {
    /// A layer whose values all have the same place.
    pub fn new<N: Into<String>, V: Into<String>>(place: &Place, values: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::placed(place, values.into_iter().map(|(name, value)| (name.into(), value.into(), place.clone())))
    }

    /// A layer that knows the place of each value. Of a name given twice the last value counts, as in a shell.
    pub fn placed(place: &Place, values: impl IntoIterator<Item = (String, String, Place)>) -> Self {
        let values = values.into_iter().map(|(name, value, place)| (name, (value, place))).collect();
        Self { place: place.clone(), values, unread: Vec::new() }
    }

    /// The same, with keys of the file that stand where nothing is read.
    pub(super) fn leaving_unread(self, unread: Vec<String>) -> Self {
        Self { unread, ..self }
    }

    /// Keys of the file that stand where nothing is read.
    pub(super) fn unread(&self) -> &[String] {
        &self.unread
    }

    /// The value of a name. An empty text is as good as none: that is how compose files pass on what nobody set.
    pub(super) fn get(&self, name: &str) -> Option<(&str, &Place)> {
        self.values.get(name).filter(|(value, _)| !value.is_empty()).map(|(value, place)| (value.as_str(), place))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.values.iter().map(|(name, (_, place))| (name.as_str(), place))
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}

/// Names only: among the values are secrets.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("place", &self.place).field("names", &self.values.keys().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// All layers, the one that wins first, and what could not be read of them.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Flag, environment, `.env`, YAML file.
    pub layers: Vec<Layer>,
    /// Files and variables that could not be read.
    pub problems: Vec<Problem>,
}
