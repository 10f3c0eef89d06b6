//! Configuration errors: all problems at once, each with its variable, its value, where it was given, and the accepted values.
//! Never contains the value of a secret.

use super::origin::Location;
use std::{fmt, path::PathBuf};
use url::Url;

/// All problems, in the order of the documentation page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<ConfigProblem>,
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

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigProblem {
    /// A value that is not accepted.
    #[error("{name} is {} ({location}): give {accepted}", value.as_deref().unwrap_or("not valid (its value is not shown)"))]
    Wrong {
        /// The variable.
        name: String,
        /// Quoted and escaped; `None` = a secret, or a value that may hold one.
        value: Option<String>,
        /// Where it was given.
        location: Location,
        /// The accepted values.
        accepted: &'static str,
    },
    /// A setting that the command needs and that is not given.
    #[error("{name} is missing: give {accepted}")]
    Missing {
        /// The variable, or those of which one suffices.
        name: String,
        /// The accepted values.
        accepted: String,
    },
    /// Two names of one setting have different values.
    #[error("{name} ({location}) and its older name {synonym} ({synonym_location}) have different values: give one of them")]
    Conflict {
        /// The variable.
        name: &'static str,
        /// Where it was given.
        location: Location,
        /// The older name.
        synonym: &'static str,
        /// Where the older name was given.
        synonym_location: Location,
    },
    /// Two settings whose directories contain each other.
    #[error("{name} is {path:?} and {other} is in {other_path:?}: one contains the other; give {name} a directory of its own, beside it")]
    Overlap {
        /// The variable.
        name: &'static str,
        /// Its path.
        path: PathBuf,
        /// The other variable.
        other: &'static str,
        /// The directory of its path.
        other_path: PathBuf,
    },
    /// A secret is given directly and in a file.
    #[error("{name} ({location}) and {name}_FILE ({file_location}) are both given: give one of them")]
    SecretTwice {
        /// The variable.
        name: &'static str,
        /// Where it was given.
        location: Location,
        /// Where the file was given.
        file_location: Location,
    },
    /// A secret's file that cannot be used.
    #[error("{name}_FILE is {path:?} ({location}), which cannot be used: {reason}")]
    SecretFile {
        /// The variable.
        name: &'static str,
        /// The path given.
        path: PathBuf,
        /// Where it was given.
        location: Location,
        /// Why not.
        reason: String,
    },
    /// The file with certificates.
    #[error("{name} is {path:?} ({location}), which cannot be used: {reason}; give {accepted}")]
    CertificateFile {
        /// The variable.
        name: &'static str,
        /// The path given.
        path: PathBuf,
        /// Where it was given.
        location: Location,
        /// Why not.
        reason: String,
        /// The accepted values.
        accepted: &'static str,
    },
    /// Only one half of a pair is given.
    #[error("{given} is given without {missing}: give both, or neither for the credential chain of AWS")]
    HalfPair {
        /// The half that is given.
        given: &'static str,
        /// The missing half.
        missing: &'static str,
    },
    /// The ARN of a bucket is given in place of its name.
    #[error("{name} is {arn:?}, the ARN of a bucket: give the bucket's name, {bucket}")]
    BucketArn {
        /// The setting.
        name: &'static str,
        /// The ARN.
        arn: String,
        /// The bucket's name.
        bucket: String,
    },
    /// The ARN of an access point is given together with an endpoint.
    #[error(
        "{name} is {arn:?}, the ARN of an access point, which only AWS has, and {endpoint}{} names another server: give the bucket's name, or remove \
         the endpoint", if fallbacks.is_empty() { String::new() } else { format!(" (or {})", fallbacks.join(", ")) }
    )]
    OnlyAtAws {
        /// The setting of the bucket.
        name: &'static str,
        /// The ARN.
        arn: String,
        /// The setting of the endpoint.
        endpoint: &'static str,
        /// The names that are read if the endpoint's setting is not given.
        fallbacks: &'static [&'static str],
    },
    /// The bucket of a tenant is given without an endpoint.
    #[error("{name} is the bucket of a tenant, which AWS does not have: set {endpoint}")]
    NeverAtAws {
        /// The setting of the bucket.
        name: &'static str,
        /// The setting of the endpoint.
        endpoint: &'static str,
    },
    /// The bucket is to be part of the host name at an IP address.
    #[error(
        "{addressing} is virtual, and {endpoint} is {address}: no bucket has a host name below an IP address: give the server's host name, \
         or set {addressing}=path"
    )]
    HostNameAtIpAddress {
        /// The setting of the addresses' form.
        addressing: &'static str,
        /// The setting of the endpoint.
        endpoint: &'static str,
        /// The endpoint.
        address: Url,
    },
    /// The bucket is to be part of the host name, and its name cannot be.
    #[error("{addressing} is virtual, and {name} is {bucket:?}, which cannot be part of a host name: set {addressing}=path")]
    NoHostName {
        /// The setting of the addresses' form.
        addressing: &'static str,
        /// The setting of the bucket.
        name: &'static str,
        /// The bucket.
        bucket: String,
    },
    /// A key in the YAML file that nothing reads.
    #[error("service.{key} ({location}) is not a setting: {}", nearest.as_ref().map_or_else(|| "all settings are listed in docs/configuration.md".to_owned(), |nearest| format!("did you mean {nearest}?")))]
    UnknownKey {
        /// The key, escaped.
        key: String,
        /// Where it was given.
        location: Location,
        /// The known key with the most similar name.
        nearest: Option<String>,
    },
    /// A known setting outside the YAML file's `service:` block.
    #[error("{key} ({location}) is outside of `service:`: move it under that key")]
    Misplaced {
        /// The key.
        key: String,
        /// The file.
        location: Location,
    },
    /// An environment variable that is not text.
    #[error("{name} (environment) is not valid UTF-8: give text")]
    NotText {
        /// The variable.
        name: String,
    },
    /// A file that cannot be read. The problem contains nothing of its content, which may include secrets.
    #[error("{location} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        location: Location,
        /// The reason.
        reason: String,
    },
}
