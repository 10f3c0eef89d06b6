//! Typed settings, from a flag, the environment, `.env`, a YAML file or a default, in that order. The only module that reads the
//! environment. It opens no connection and creates no directory.
//!
//! Every setting is declared once, in `table`. A command requires the settings that it needs ([`Need`]); the program requires
//! none.

mod table;
mod declared;
mod values;
mod headers;
mod cron;
mod origin;
mod overlap;
mod layers;
mod read;
mod files;
mod resolve;
mod names;
mod error;
mod docs;
mod env_example;
#[cfg(test)]
mod tests;

pub use cron::Cron;
pub use declared::{Declared, Group};
#[cfg(test)]
pub(crate) use docs::assert_committed;
pub use docs::configuration_page;
pub use env_example::env_example;
pub use error::{ConfigError, ConfigProblem};
pub use layers::{Layer, Layers};
pub use origin::{Location, Origin};
pub use read::Flags;
pub use resolve::{ReadFiles, resolve};
pub use table::TABLE;
pub use values::{Addressing, LogFormat};

use crate::plan::MaxDelete;
use crate::snapshot::SnapshotRows;
use crate::trust::TrustedAuthorities;
use secrecy::SecretString;
use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};
use tracing::Level;
use url::Url;

/// The settings of this process.
///
/// # Errors
///
/// Contains all problems.
pub fn load(flags: &Flags, needs: &[Need]) -> Result<Settings, ConfigError> {
    #[cfg_attr(not(feature = "failpoints"), expect(unused_mut, reason = "only a crash test adds to it"))]
    let mut settings = resolve(read::layers(flags), needs, read::FILES)?;
    overlap::check(&settings)?;
    #[cfg(feature = "failpoints")]
    settings.fail_point.clone_from(&read::fail_point());
    Ok(settings)
}

/// All settings, validated. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The source bucket.
    pub source: SourceSettings,
    /// The address of the file manager. Its path does not end in `/`, unless it is `/`.
    pub file_manager_url: Option<Url>,
    /// The token for `Authorization: Bearer`.
    pub file_manager_token: Option<SecretString>,
    /// The events API: reports are posted to it, and the event feed is read from it.
    pub events_url: Option<Url>,
    /// The directory of the mirror; `None` = there is no mirror.
    pub local_download_dir: Option<PathBuf>,
    /// The event queues.
    pub queue_urls: Vec<Url>,
    /// The SQS server, if it differs from the one in the queues' addresses.
    pub queue_endpoint: Option<Url>,
    /// No events are received while this many wait in the inbox.
    pub inbox_max: NonZeroUsize,
    /// The bucket for the backup.
    pub target: TargetSettings,
    /// The certificate authorities that every TLS connection trusts.
    pub trusted: TrustedAuthorities,
    /// The state's file.
    pub database_path: PathBuf,
    /// The snapshots of this many runs are kept.
    pub csv_retention: NonZeroUsize,
    /// `CSV_SNAPSHOTS`; `None` = depends on what triggered the cycle.
    pub csv_snapshots: Option<SnapshotRows>,
    /// The daemon's schedule.
    pub schedule: ScheduleSettings,
    /// The maximum number of concurrent operations.
    pub concurrency: NonZeroUsize,
    /// Keys in one page of a listing.
    pub list_page_keys: NonZeroUsize,
    /// Attempts of one operation in one run, including the first.
    pub retry_attempts: NonZeroUsize,
    /// The time that operations in flight have to end after SIGTERM.
    pub shutdown_timeout: Duration,
    /// Larger objects are skipped; `None` = no limit.
    pub max_file_bytes: Option<u64>,
    /// The limit of the delete guard.
    pub max_delete: MaxDelete,
    /// True if checksums are compared. Lengths are always compared.
    pub verify_integrity: bool,
    /// Log lines on stderr.
    pub log: LogSettings,
    /// The log file; `None` = no file.
    pub log_file: Option<LogFileSettings>,
    /// The collector of spans and metrics; `None` = none are sent.
    pub otlp: Option<OtlpSettings>,
    /// Warnings for the operator, to be logged once logging works.
    pub notices: Vec<String>,
    /// The failpoint at which a crash test stops the process: `name:count`, from `S3_SYNC_FAILPOINT`.
    #[cfg(feature = "failpoints")]
    pub fail_point: Option<String>,
    effective: Vec<Effective>,
}

/// The source bucket.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// The store's address; `None` = AWS.
    pub endpoint: Option<Url>,
    /// Whether the bucket's name is part of the path or of the host name.
    pub addressing: Addressing,
    /// The bucket's name. Required by the commands that read the bucket.
    pub bucket: Option<String>,
    /// Only keys that begin with this prefix; empty = all.
    pub prefix: String,
    /// The bucket's region.
    pub region: String,
    /// `None` = the credential chain of AWS.
    pub credentials: Option<Credentials>,
    /// The longest time without a byte from the server.
    pub timeout: Duration,
}

/// The bucket for the backup.
#[derive(Clone, Debug)]
pub struct TargetSettings {
    /// The store's address; `None` = AWS.
    pub endpoint: Option<Url>,
    /// The bucket's name; `None` = no backup.
    pub bucket: Option<String>,
    /// The bucket's region.
    pub region: String,
    /// `None` = the credential chain of AWS.
    pub credentials: Option<Credentials>,
}

/// An access key id with its secret key.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key id, which is no secret.
    pub access_key: String,
    /// The secret key.
    pub secret_key: SecretString,
    /// The session token of temporary credentials.
    pub session_token: Option<SecretString>,
    /// The files that the secrets came from.
    pub files: SecretFiles,
}

/// The files of an access key's secrets; `None` = the secret did not come from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFiles {
    /// The file of the key's secret.
    pub secret_key: Option<PathBuf>,
    /// The file of the session token.
    pub session_token: Option<PathBuf>,
}

impl Credentials {
    /// True if a secret came from a file, which may be replaced.
    pub fn may_change(&self) -> bool {
        self.files != SecretFiles::default()
    }

    /// The same with the secrets that the files have now; the error is a reason for the operator.
    pub fn read_again(&self) -> Result<Self, String> {
        let again = |file: &Option<PathBuf>| file.as_deref().map(read::secret_again).transpose();
        let (secret_key, session_token) = (again(&self.files.secret_key)?, again(&self.files.session_token)?);
        let old = self.clone();
        Ok(Self { secret_key: secret_key.unwrap_or(old.secret_key), session_token: session_token.or(old.session_token), ..old })
    }
}

/// The daemon's schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// Time from the start of one cycle to the start of the next.
    pub interval: Duration,
    /// Replaces the interval if it is set.
    pub cron: Option<Cron>,
    /// When reconciles begin; `None` = never.
    pub reconcile: Option<Cron>,
}

/// Level and form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The lowest level that is written.
    pub level: Level,
    /// For people or for machines.
    pub format: LogFormat,
    /// No colours, even on a terminal.
    pub no_color: bool,
}

/// The log file and its rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFileSettings {
    /// The file that is written.
    pub path: PathBuf,
    /// The size at which the file is rotated.
    pub max_bytes: u64,
    /// The number of older files that are kept.
    pub kept: NonZeroUsize,
}

/// A collector of spans and metrics.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// The collector's address. Its path does not end in `/`, unless it is `/`.
    pub endpoint: Url,
    /// The headers of every request. Their values may be tokens.
    pub headers: Vec<(String, SecretString)>,
    /// `service.name`
    pub service_name: String,
}

/// A setting that a command requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `CUSTOMER_S3_BUCKET`
    Bucket,
    /// At least one of the settings that name a sink ([`Declared::names_sink`]).
    AnySink,
}

/// The effective value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The setting's own name.
    pub name: &'static str,
    /// The value as given, escaped for display; `***` for a secret; `None` = not set.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

impl Settings {
    /// Every setting in the order of the documentation page, with its value (`***` for a secret) and where it was given.
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }

    /// The directory of the state, which also contains the snapshots.
    pub fn data_directory(&self) -> &Path {
        overlap::directory_of(&self.database_path)
    }

    /// The bucket's name, or the error that it is missing.
    pub fn require_bucket(&self) -> Result<&str, ConfigError> {
        self.source.bucket.as_deref().ok_or_else(|| Need::Bucket.error())
    }
}

impl Need {
    /// The settings of which one suffices.
    fn any_of(self) -> Vec<&'static Declared> {
        match self {
            Self::Bucket => vec![&table::CUSTOMER_S3_BUCKET.declared],
            Self::AnySink => TABLE.iter().copied().filter(|declared| declared.names_sink).collect(),
        }
    }

    /// The names of the settings of which one suffices.
    pub fn names(self) -> Vec<&'static str> {
        self.any_of().iter().map(|declared| declared.name).collect()
    }

    fn missing(self) -> ConfigProblem {
        let name = self.names().join(" or ");
        let accepted = self.any_of().iter().map(|declared| declared.accepted).collect::<Vec<_>>().join("; or ");
        ConfigProblem::Missing { name, accepted }
    }

    /// The error that nothing of what is needed is set.
    pub fn error(self) -> ConfigError {
        ConfigError { problems: vec![self.missing()] }
    }
}
