//! Where a value was given: the location, and the alias if one was used. `layers` decides which location wins.

use std::{fmt, path::PathBuf};

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// On the command line.
    Flag(&'static str),
    /// In the environment of the process.
    Environment,
    /// In `.env` in the working directory.
    DotEnv,
    /// In the YAML file.
    File {
        /// The path given.
        path: PathBuf,
        /// Counted from 1.
        line: Option<u64>,
    },
    /// In the file that a variable ending in `_FILE` names.
    SecretFile(PathBuf),
    /// Not given: the declaration's default.
    Default,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Environment => f.write_str("environment"),
            Self::DotEnv => f.write_str(".env"),
            Self::File { path, line: None } => write!(f, "{}", escaped(path)),
            Self::File { path, line: Some(line) } => write!(f, "{}, line {line}", escaped(path)),
            Self::SecretFile(path) => write!(f, "file {}", escaped(path)),
            Self::Default => f.write_str("default"),
        }
    }
}

fn escaped(path: &std::path::Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

/// Where a value was given, and under which name if it was not the setting's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where the value was given.
    pub location: Location,
    /// `MOCK_API_URL`, `AWS_REGION`, …
    pub alias: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.alias {
            Some(alias) => write!(f, "{}: {alias}", self.location),
            None => write!(f, "{}", self.location),
        }
    }
}
