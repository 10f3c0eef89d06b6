//! Reads the environment, `.env`, the YAML file and the files of secrets. Only this file does so. It decides nothing.

use super::{
    error::ConfigProblem,
    files,
    layers::{Layer, Layers},
    names,
    origin::Location,
    resolve::ReadFiles,
    table, values,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// The settings given on the command line. No secret has a flag, because every user can read the arguments of a process.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--log-level`
    pub log_level: Option<String>,
    /// `--log-format`
    pub log_format: Option<String>,
}

/// A larger file is neither a settings file nor a secret.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A larger file is not a bundle of certificates. A system's has about 200 KiB.
const MAX_BUNDLE_BYTES: u64 = 16 * 1024 * 1024;

/// Where systems keep the certificates of their authorities: Debian, Alpine and Arch; Fedora and RHEL; SUSE; BSD and macOS.
const SYSTEM_BUNDLES: [&str; 4] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];

/// Reads the files that settings name.
pub(super) const FILES: ReadFiles<'static> = ReadFiles { secret: &secret_file, bundle: &bundle_file, system: &system_bundle };

/// All layers of this process, in order of precedence.
pub(super) fn layers(flags: &Flags) -> Layers {
    let mut read = Layers { layers: vec![flag_layer(flags)], problems: Vec::new() };
    read.add(environment());
    match text_of(Path::new(".env")) {
        Ok(text) => read.add(files::dot_env(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => read.problems.push(ConfigProblem::Unreadable { location: Location::DotEnv, reason: reason(&error) }),
    }
    if let Some(path) = &flags.config {
        match text_of(path) {
            Ok(text) => read.add(files::yaml(path, &text)),
            Err(error) => {
                let location = Location::File { path: path.clone(), line: None };
                read.problems.push(ConfigProblem::Unreadable { location, reason: reason(&error) });
            }
        }
    }
    read
}

impl Layers {
    fn add(&mut self, (layer, problems): (Layer, Vec<ConfigProblem>)) {
        self.layers.push(layer);
        self.problems.extend(problems);
    }
}

/// The failpoint at which a crash test stops the process. Not a setting: only test builds read it.
#[cfg(feature = "failpoints")]
#[expect(clippy::disallowed_methods, reason = "config/ is where the environment is read")]
pub(super) fn fail_point() -> Option<String> {
    std::env::var("S3_SYNC_FAILPOINT").ok()
}

/// Reads the file of a secret, without one line break at its end, which editors and `echo` add.
pub(super) fn secret_file(path: &Path) -> Result<SecretString, String> {
    let text = text_of(path).map_err(|error| reason(&error))?;
    let bare = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if bare.is_empty() { Err("it is empty".to_owned()) } else { Ok(bare.into()) }
}

/// The same for a secret that is read again. It must have the form of a secret then, too.
pub(super) fn secret_again(path: &Path) -> Result<SecretString, String> {
    let text = secret_file(path).map_err(|reason| format!("{} cannot be used: {reason}", path.display()))?;
    values::secret(text.expose_secret()).ok_or_else(|| format!("{} is not one line of text", path.display()))
}

/// The file of a bundle of certificates.
fn bundle_file(path: &Path) -> Result<Vec<u8>, String> {
    bytes_of(path, MAX_BUNDLE_BYTES).map_err(|error| reason(&error))
}

/// The bundle of the system's authorities. `None` = the environment names directories in its place, or there is none.
#[expect(clippy::disallowed_methods, reason = "config/ is the one module that reads the environment")]
fn system_bundle() -> Option<Vec<u8>> {
    let names_directories = std::env::var_os("SSL_CERT_DIR").is_some_and(|directories| !directories.is_empty());
    SYSTEM_BUNDLES.iter().filter(|_| !names_directories).find_map(|path| bundle_file(Path::new(path)).ok())
}

fn flag_layer(flags: &Flags) -> Layer {
    let given = [(&table::LOG_LEVEL.declared, &flags.log_level), (&table::LOG_FORMAT.declared, &flags.log_format)];
    let given = given.into_iter().filter_map(|(declared, value)| {
        let location = Location::Flag(declared.flag.unwrap_or(declared.name));
        value.clone().map(|value| (declared.name.to_owned(), value, location))
    });
    Layer::placed(&Location::Flag("the command line"), given)
}

#[expect(clippy::disallowed_methods, reason = "config/ is the one module that reads the environment")]
fn environment() -> (Layer, Vec<ConfigProblem>) {
    let mut pairs = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| names::is_relevant(name)) else { continue };
        match value.into_string() {
            Ok(value) => pairs.push((name.to_owned(), value)),
            Err(_) => problems.push(ConfigProblem::NotText { name: name.to_owned() }),
        }
    }
    (Layer::new(&Location::Environment, pairs), problems)
}

fn text_of(path: &Path) -> io::Result<String> {
    let bytes = bytes_of(path, MAX_FILE_BYTES)?;
    // The standard library's error gives the position of the invalid bytes and does not repeat them.
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not valid UTF-8"))
}

fn bytes_of(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::other(format!("it is larger than {} MiB", max_bytes >> 20)));
    }
    Ok(bytes)
}

/// The system's message without Rust's error number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
