//! Turns layers into settings: chooses the value that counts, parses it, and collects all problems. Pure, except for the passed
//! functions that read files.

mod buckets;
mod keys;

use super::{
    Effective, LogFileSettings, LogSettings, Need, OtlpSettings, ScheduleSettings, Settings, TargetSettings,
    declared::{Declared, Setting},
    error::{ConfigError, ConfigProblem},
    layers::{Layer, Layers},
    names,
    origin::{Location, Origin},
    table,
};
use crate::trust::{CaBundle, TrustedAuthorities};
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};

/// Reads the files that settings name. An error is a reason for the operator.
#[derive(Clone, Copy)]
pub struct ReadFiles<'a> {
    /// Reads the file of a secret.
    pub secret: &'a dyn Fn(&Path) -> Result<SecretString, String>,
    /// Reads a bundle of certificates.
    pub bundle: &'a dyn Fn(&Path) -> Result<Vec<u8>, String>,
    /// Reads the bundle of the system's authorities; `None` = there is none to read.
    pub system: &'a dyn Fn() -> Option<Vec<u8>>,
}

/// The settings in the layers, or all problems with them.
pub fn resolve(layers: Layers, needs: &[Need], files: ReadFiles<'_>) -> Result<Settings, ConfigError> {
    let unreadable = layers.problems.iter().any(|problem| matches!(problem, ConfigProblem::Unreadable { .. }));
    let mut resolver =
        Resolver { layers: &layers.layers, files, problems: Vec::new(), effective: Vec::new(), notices: names::notices(&layers.layers) };
    let mut settings = resolver.settings();
    // A setting may be in the file that could not be read, so it is not reported as missing.
    if !unreadable {
        let is_given = |need: &&Need| need.any_of().into_iter().any(|declared| resolver.is_given(declared));
        let missing: Vec<_> = needs.iter().filter(|need| !is_given(need)).map(|need| need.missing()).collect();
        resolver.problems.extend(missing);
    }
    let Resolver { problems, effective, notices, .. } = resolver;
    settings.effective = effective;
    settings.notices = notices;
    let problems: Vec<_> = layers.problems.into_iter().chain(problems).chain(names::unknown_keys(&layers.layers)).collect();
    if problems.is_empty() { Ok(settings) } else { Err(ConfigError { problems }) }
}

/// A value, as given.
struct Found {
    name: String,
    text: SecretString,
    location: Location,
}

/// The result of looking up one setting in the layers.
enum Lookup {
    Nothing,
    Value(Found),
    /// Given, with a problem that is already reported.
    Broken,
}

impl Lookup {
    /// The file of the secret that was found.
    fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Value(Found { location: Location::SecretFile(path), .. }) => Some(path.clone()),
            _ => None,
        }
    }
}

/// The names to look up.
#[derive(Clone, Copy)]
enum Names {
    Own,
    WithFallbacks,
}

struct Resolver<'a> {
    layers: &'a [Layer],
    files: ReadFiles<'a>,
    problems: Vec<ConfigProblem>,
    effective: Vec<Effective>,
    notices: Vec<String>,
}

impl Resolver<'_> {
    /// In the order of the table, which is also the order of the reported problems.
    fn settings(&mut self) -> Settings {
        Settings {
            source: self.source(),
            file_manager_url: self.optional(&table::FILE_MANAGER_API_URL),
            file_manager_token: self.optional(&table::FILE_MANAGER_API_TOKEN),
            events_url: self.optional(&table::EVENTS_API_URL),
            local_download_dir: self.optional(&table::LOCAL_DOWNLOAD_DIR),
            queue_urls: self.optional(&table::EVENTS_SQS_QUEUE_URL).unwrap_or_default(),
            queue_endpoint: self.optional(&table::EVENTS_SQS_ENDPOINT),
            inbox_max: self.with_default(&table::INBOX_MAX),
            target: TargetSettings {
                endpoint: self.optional(&table::TARGET_S3_ENDPOINT),
                bucket: self.bucket(&table::TARGET_S3_BUCKET, &table::TARGET_S3_ENDPOINT),
                region: self.with_default(&table::TARGET_S3_REGION),
                credentials: self.key_pair(&table::TARGET_S3_ACCESS_KEY, &table::TARGET_S3_SECRET_KEY, Names::Own),
            },
            trusted: TrustedAuthorities {
                added: self.bundle(&table::AWS_CA_BUNDLE),
                instead_of_system: self.bundle(&table::SSL_CERT_FILE).or_else(|| self.system_bundle()),
            },
            database_path: self.with_default(&table::DATABASE_PATH),
            csv_retention: self.with_default(&table::CSV_RETENTION),
            csv_snapshots: self.optional(&table::CSV_SNAPSHOTS),
            schedule: ScheduleSettings {
                interval: self.with_default(&table::SYNC_INTERVAL),
                cron: self.optional(&table::SYNC_CRON),
                reconcile: self.with_default(&table::RECONCILE_CRON).cron(),
            },
            concurrency: self.with_default(&table::CONCURRENCY),
            list_page_keys: self.with_default(&table::LIST_PAGE_KEYS),
            retry_attempts: self.with_default(&table::RETRY_ATTEMPTS),
            shutdown_timeout: self.with_default(&table::SHUTDOWN_TIMEOUT),
            max_file_bytes: self.with_default(&table::MAX_FILE_SIZE_MB).bytes(),
            max_delete: self.with_default(&table::MAX_DELETE),
            verify_integrity: self.with_default(&table::VERIFY_FILE_INTEGRITY),
            log: LogSettings {
                level: self.with_default(&table::LOG_LEVEL),
                format: self.with_default(&table::LOG_FORMAT),
                no_color: self.optional(&table::NO_COLOR).is_some(),
            },
            log_file: self.log_file(),
            otlp: self.otlp(),
            notices: Vec::new(),
            #[cfg(feature = "failpoints")]
            fail_point: None,
            effective: Vec::new(),
        }
    }

    fn optional<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        let answer = self.look_up_setting(&setting.declared, Names::WithFallbacks);
        self.interpret(setting, answer)
    }

    /// After a problem the default is used, so that the remaining problems are found, too.
    fn with_default<T>(&mut self, setting: &Setting<T>) -> T {
        let value = self.optional(setting);
        value.or_else(|| setting.declared.default.and_then(setting.parse)).expect("invariant: the table's defaults are valid")
    }

    /// The certificates in the file that a setting names.
    fn bundle(&mut self, setting: &Setting<PathBuf>) -> Option<CaBundle> {
        let Declared { name, accepted, .. } = setting.declared;
        let location = self.look_up(name).map(|found| found.location);
        let (path, location) = self.optional(setting).zip(location)?;
        match (self.files.bundle)(&path).and_then(|pem| CaBundle::parse(&pem).map_err(|error| error.to_string())) {
            Ok(bundle) => {
                if bundle.left_out() > 0 {
                    self.notices.push(format!("{name}: {} certificates cannot be used and are left out", bundle.left_out()));
                }
                Some(bundle)
            }
            Err(reason) => {
                self.problems.push(ConfigProblem::CertificateFile { name, path, location, reason, accepted });
                None
            }
        }
    }

    /// The system's authorities, if the environment has an empty `SSL_CERT_FILE`, which counts as not set. The TLS library would take it for
    /// the path of a file, and the SDK panics at an https address if no authority is trusted.
    fn system_bundle(&self) -> Option<CaBundle> {
        let declared = &table::SSL_CERT_FILE.declared;
        let mut environment = self.layers.iter().filter(|layer| *layer.location() == Location::Environment);
        let is_empty = !self.is_given(declared) && environment.any(|layer| layer.names().any(|(name, _)| name == declared.name));
        CaBundle::parse(&is_empty.then(self.files.system)??).ok()
    }

    fn log_file(&mut self) -> Option<LogFileSettings> {
        let path = self.optional(&table::LOG_FILE);
        let max_bytes = self.with_default(&table::LOG_FILE_MAX_MB).get() as u64 * 1024 * 1024;
        let kept = self.with_default(&table::LOG_FILES_KEPT);
        Some(LogFileSettings { path: path?, max_bytes, kept })
    }

    fn otlp(&mut self) -> Option<OtlpSettings> {
        let endpoint = self.optional(&table::OTEL_EXPORTER_OTLP_ENDPOINT);
        let headers = self.optional(&table::OTEL_EXPORTER_OTLP_HEADERS).unwrap_or_default();
        let disabled = self.with_default(&table::OTEL_SDK_DISABLED);
        let service_name = self.with_default(&table::OTEL_SERVICE_NAME);
        Some(OtlpSettings { endpoint: endpoint.filter(|_| !disabled)?, headers, service_name })
    }

    fn is_given(&self, declared: &Declared) -> bool {
        self.is_given_as(declared, Names::WithFallbacks)
    }

    fn is_given_as(&self, declared: &Declared, names: Names) -> bool {
        let fallbacks = if matches!(names, Names::Own) { &[] } else { declared.fallbacks };
        let mut spelt = std::iter::once(&declared.name).chain(declared.synonyms).chain(fallbacks);
        spelt.any(|name| self.look_up(name).is_some()) || declared.file_variable().is_some_and(|name| self.look_up(&name).is_some())
    }

    /// The value of a name in the first layer that has it.
    fn look_up(&self, name: &str) -> Option<Found> {
        let (text, location) = self.layers.iter().find_map(|layer| layer.get(name))?;
        Some(Found { name: name.to_owned(), text: text.into(), location: location.clone() })
    }

    fn look_up_setting(&mut self, declared: &Declared, names: Names) -> Lookup {
        let own = self.look_up(declared.name);
        let synonym = declared.synonyms.iter().find_map(|name| self.look_up(name).map(|found| (*name, found)));
        if let (Some(own), Some((name, synonym))) = (&own, &synonym)
            && !same_value(&own.text, &synonym.text)
        {
            let (location, synonym_location) = (own.location.clone(), synonym.location.clone());
            self.problems.push(ConfigProblem::Conflict { name: declared.name, location, synonym: name, synonym_location });
            return Lookup::Broken;
        }
        let file = declared.file_variable().and_then(|name| self.look_up(&name));
        match (own.or(synonym.map(|(_, found)| found)), file) {
            (Some(own), Some(file)) => {
                self.problems.push(ConfigProblem::SecretTwice {
                    name: declared.name,
                    location: own.location,
                    file_location: file.location,
                });
                Lookup::Broken
            }
            (Some(own), None) => Lookup::Value(own),
            (None, Some(file)) => self.read_file(declared.name, file),
            (None, None) if matches!(names, Names::Own) => Lookup::Nothing,
            (None, None) => declared.fallbacks.iter().find_map(|name| self.look_up(name)).map_or(Lookup::Nothing, Lookup::Value),
        }
    }

    fn read_file(&mut self, name: &'static str, file: Found) -> Lookup {
        let path = Path::new(file.text.expose_secret()).to_owned();
        match (self.files.secret)(&path) {
            Ok(text) => Lookup::Value(Found { name: file.name, text, location: Location::SecretFile(path) }),
            Err(reason) => {
                self.problems.push(ConfigProblem::SecretFile { name, path, location: file.location, reason });
                Lookup::Broken
            }
        }
    }

    /// Parses a value and records where it was given.
    fn interpret<T>(&mut self, setting: &Setting<T>, answer: Lookup) -> Option<T> {
        let declared = &setting.declared;
        let (value, origin, parsed) = match answer {
            Lookup::Broken => return None,
            Lookup::Nothing => (declared.default.map(str::to_owned), Origin { location: Location::Default, alias: None }, None),
            Lookup::Value(found) => {
                let text = found.text.expose_secret();
                let Some(parsed) = (setting.parse)(text) else {
                    self.problems.push(wrong(declared, &found));
                    return None;
                };
                let value = if declared.secret { "***".to_owned() } else { text.escape_debug().to_string() };
                let alias = (found.name != declared.name).then_some(found.name);
                (Some(value), Origin { location: found.location, alias }, Some(parsed))
            }
        };
        self.effective.push(Effective { name: declared.name, value, origin });
        parsed
    }
}

/// Ignores a trailing slash of an address.
fn same_value(one: &SecretString, other: &SecretString) -> bool {
    let plain = |text: &SecretString| text.expose_secret().trim().trim_end_matches('/').to_owned();
    plain(one) == plain(other)
}

/// An address may hold a password or a token after `@` or `?`.
fn wrong(declared: &Declared, found: &Found) -> ConfigProblem {
    const SHOWN_CHARS: usize = 80;
    let text = found.text.expose_secret();
    let shown = !declared.secret && !text.contains(['@', '?']);
    let value = shown.then(|| match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    });
    ConfigProblem::Wrong { name: found.name.clone(), value, location: found.location.clone(), accepted: declared.accepted }
}
