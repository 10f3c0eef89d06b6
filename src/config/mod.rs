//! What was asked: typed settings, from a flag, the environment, `.env`, a YAML file or a default, in that order. The only module
//! that reads the environment. It opens no connection and makes no directory: whether a door opens is not its concern.
//!
//! Every setting is declared once, in `table`. A setting is required by the command that needs it ([`Need`]), not by the program.

mod table;
mod declared;
mod values;
mod headers;
mod cron;
mod origin;
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
pub use error::{ConfigError, Problem};
pub use layers::{Layer, Layers};
pub use origin::{Origin, Place};
pub use read::Flags;
pub use resolve::{ReadSecret, resolve};
pub use table::TABLE;
pub use values::{LogFormat, MaxDelete, SnapshotRows};

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
/// Everything that is wrong, at once.
pub fn load(flags: &Flags, needs: &[Need]) -> Result<Settings, ConfigError> {
    #[cfg_attr(not(feature = "failpoints"), expect(unused_mut, reason = "only a crash test adds to it"))]
    let mut settings = resolve(read::layers(flags), needs, &read::secret_file)?;
    #[cfg(feature = "failpoints")]
    settings.fail_point.clone_from(&read::fail_point());
    Ok(settings)
}

/// Everything that can be set, validated. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bucket that is read.
    pub source: SourceSettings,
    /// The file manager; its path does not end in `/`, unless it is `/`.
    pub file_manager_url: Option<Url>,
    /// For `Authorization: Bearer`.
    pub file_manager_token: Option<SecretString>,
    /// Where results are reported and the feed of events is read.
    pub events_url: Option<Url>,
    /// The queues of notifications.
    pub queue_urls: Vec<Url>,
    /// The queues' server, where their addresses do not say it.
    pub queue_endpoint: Option<Url>,
    /// While as many events wait, no more are received.
    pub inbox_max: NonZeroUsize,
    /// Where the backup goes.
    pub target: TargetSettings,
    /// The state's file.
    pub database_path: PathBuf,
    /// The snapshots of this many runs are kept.
    pub csv_retention: NonZeroUsize,
    /// `CSV_SNAPSHOTS`; `None` = it depends on what woke the cycle.
    pub csv_snapshots: Option<SnapshotRows>,
    /// When the daemon works.
    pub schedule: ScheduleSettings,
    /// Operations at a time.
    pub concurrency: NonZeroUsize,
    /// Keys in one page of a listing.
    pub list_page_keys: NonZeroUsize,
    /// Attempts of one operation in one run, the first one included.
    pub retry_attempts: NonZeroUsize,
    /// How long SIGTERM waits for what is in flight.
    pub shutdown_timeout: Duration,
    /// Larger objects are skipped; `None` = no limit.
    pub max_file_bytes: Option<u64>,
    /// The guard over deletes.
    pub max_delete: MaxDelete,
    /// Whether checksums are compared; lengths always are.
    pub verify_integrity: bool,
    /// What is told on stderr.
    pub log: LogSettings,
    /// The file that is told the same; `None` = none is.
    pub log_file: Option<LogFileSettings>,
    /// The collector of spans and metrics; `None` = none is told.
    pub otlp: Option<OtlpSettings>,
    /// What the operator should know and what stops nothing; to be logged once logging works.
    pub notices: Vec<String>,
    /// Where a crash test holds the process: `name:count`, from `S3_SYNC_FAILPOINT`.
    #[cfg(feature = "failpoints")]
    pub fail_point: Option<String>,
    effective: Vec<Effective>,
}

/// Where to read from.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// `None` = AWS.
    pub endpoint: Option<Url>,
    /// Required by the commands that read it.
    pub bucket: Option<String>,
    /// Only keys that begin with this; empty = all.
    pub prefix: String,
    /// The bucket's region.
    pub region: String,
    /// `None` = the credential chain of AWS.
    pub credentials: Option<Credentials>,
    /// How long the server may keep silent.
    pub timeout: Duration,
}

/// The bucket for the backup.
#[derive(Clone, Debug)]
pub struct TargetSettings {
    /// `None` = AWS.
    pub endpoint: Option<Url>,
    /// `None` = there is no backup.
    pub bucket: Option<String>,
    /// The bucket's region.
    pub region: String,
    /// `None` = the credential chain of AWS.
    pub credentials: Option<Credentials>,
}

/// A key with its secret: never one without the other.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The key's id, which is no secret.
    pub access_key: String,
    /// The key's secret.
    pub secret_key: SecretString,
    /// Of temporary credentials.
    pub session_token: Option<SecretString>,
}

/// When the daemon works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// Between the beginnings of two cycles.
    pub interval: Duration,
    /// Instead of the interval, when set.
    pub cron: Option<Cron>,
    /// When everything is listed again; `None` = never.
    pub reconcile: Option<Cron>,
}

/// What is told on stderr, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The least important lines that are written.
    pub level: Level,
    /// For people or for machines.
    pub format: LogFormat,
    /// Whether colours are unwanted even on a terminal.
    pub no_color: bool,
}

/// Where log lines are kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFileSettings {
    /// The file that is written.
    pub path: PathBuf,
    /// It grows no larger.
    pub max_bytes: u64,
    /// So many older ones are kept beside it.
    pub kept: NonZeroUsize,
}

/// A collector of spans and metrics.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// Its path does not end in `/`, unless it is `/`.
    pub endpoint: Url,
    /// For every request; the values may be tokens.
    pub headers: Vec<(String, SecretString)>,
    /// `service.name`
    pub service_name: String,
}

/// A setting that a command cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `CUSTOMER_S3_BUCKET`
    Bucket,
    /// At least one sink: `FILE_MANAGER_API_URL` is the only setting that names one.
    AnySink,
}

/// A setting as it is in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The setting's own name.
    pub name: &'static str,
    /// As it was given, escaped for display; `***` for a secret; `None` = not set.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

impl Settings {
    /// Every setting in the order of the documentation page, with its value (a secret's is `***`) and where it came from.
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }

    /// The directory of the state, where snapshots are written as well.
    pub fn data_directory(&self) -> &Path {
        self.database_path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// The bucket's name, or the error that it is missing.
    pub fn require_bucket(&self) -> Result<&str, ConfigError> {
        self.source.bucket.as_deref().ok_or_else(|| Need::Bucket.error())
    }

    /// The file manager's address, the only sink that there is; or the error that no sink is set.
    pub fn require_any_sink(&self) -> Result<&Url, ConfigError> {
        self.file_manager_url.as_ref().ok_or_else(|| Need::AnySink.error())
    }
}

impl Need {
    fn declared(self) -> &'static Declared {
        match self {
            Self::Bucket => &table::CUSTOMER_S3_BUCKET.declared,
            Self::AnySink => &table::FILE_MANAGER_API_URL.declared,
        }
    }

    fn missing(self) -> Problem {
        let declared = self.declared();
        Problem::Missing { name: declared.name, right: declared.right }
    }

    fn error(self) -> ConfigError {
        ConfigError { problems: vec![self.missing()] }
    }
}
