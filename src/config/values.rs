//! Parsers of settings: text → typed value; `None` if the declaration does not accept the text. Pure.

use crate::plan::MaxDelete;
use crate::snapshot::SnapshotRows;
use secrecy::SecretString;
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};
use tracing::Level;
use url::Url;

/// The maximum size of a synced object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeLimit {
    Unlimited,
    Bytes(u64),
}

impl SizeLimit {
    pub(super) fn bytes(self) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Whether the bucket's name is part of the path or of the host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// In the path if an endpoint is set, in the host name at AWS.
    Auto,
    /// In the path.
    Path,
    /// In the host name.
    Virtual,
}

/// A base address. Removes a trailing slash. Refuses a password, because it would appear in logs.
pub(super) fn address(raw: &str) -> Option<Url> {
    let raw = raw.trim();
    let lower = raw.to_ascii_lowercase();
    let is_http = lower.starts_with("http://") || lower.starts_with("https://");
    if !is_http || raw.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '?' | '#' | '\\')) {
        return None;
    }
    let mut url = Url::parse(raw).ok().filter(Url::has_host)?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

/// Addresses separated by commas. Removes duplicates.
pub(super) fn addresses(raw: &str) -> Option<Vec<Url>> {
    let mut all = Vec::new();
    for url in raw.split(',').map(address) {
        let url = url?;
        if !all.contains(&url) {
            all.push(url);
        }
    }
    Some(all)
}

/// The addresses of standard queues. S3 does not send to a FIFO queue.
pub(super) fn queue_addresses(raw: &str) -> Option<Vec<Url>> {
    let is_fifo = |url: &Url| url.path().rsplit_once('.').is_some_and(|(_, ending)| ending == "fifo");
    addresses(raw).filter(|all| !all.iter().any(is_fifo))
}

/// Text that fits into a header. A line break at the end of a key would make every request fail.
pub(super) fn one_line(raw: &str) -> Option<String> {
    (!raw.contains(char::is_control) && raw.trim() == raw).then(|| raw.to_owned())
}

pub(super) fn secret(raw: &str) -> Option<SecretString> {
    one_line(raw).map(SecretString::from)
}

/// Refuses only a name that no store allows, because other stores allow more names than AWS. Ceph accepts `tenant:bucket`; an
/// empty tenant is the default one. Accepts the ARN of a bucket, too: its own error names the bucket.
pub(super) fn bucket(raw: &str) -> Option<String> {
    let (tenant, name) = raw.split_once(':').unwrap_or(("", raw));
    let is_name = is_bucket_name(name) && is_of_name_characters(tenant) && tenant.len() <= 255;
    (is_name || is_access_point(raw) || bucket_of_arn(raw).is_some()).then(|| raw.to_owned())
}

fn is_bucket_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && is_of_name_characters(name) && !matches!(name, "." | "..")
}

fn is_of_name_characters(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// The bucket in its ARN, `arn:PARTITION:s3:::BUCKET`. In policies, keys follow.
pub(super) fn bucket_of_arn(arn: &str) -> Option<&str> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let ["arn", _, "s3", "", "", resource] = parts[..] else { return None };
    resource.split('/').next().filter(|name| is_bucket_name(name))
}

/// True for the ARN of an access point: of S3, where that of several regions names none, of Object Lambda, or of Outposts.
fn is_access_point(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts[..] else { return false };
    let are_words = |texts: &[&str]| texts.iter().all(|text| !text.is_empty() && is_of_name_characters(text));
    let resource: Vec<_> = resource.split([':', '/']).collect();
    are_words(&[partition, account])
        && match (service, &resource[..]) {
            ("s3", ["accesspoint", name]) => are_words(&[name]) && (region.is_empty() || are_words(&[region])),
            ("s3-object-lambda", ["accesspoint", name]) => are_words(&[region, name]),
            ("s3-outposts", ["outpost", outpost, "accesspoint", name]) => are_words(&[region, outpost, name]),
            _ => false,
        }
}

pub(super) fn addressing(raw: &str) -> Option<Addressing> {
    match raw.trim().to_ascii_lowercase().as_str() {
        "auto" => Some(Addressing::Auto),
        "path" => Some(Addressing::Path),
        "virtual" => Some(Addressing::Virtual),
        _ => None,
    }
}

pub(super) fn region(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let fits = (1..=64).contains(&raw.len()) && raw.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    fits.then(|| raw.to_owned())
}

/// Verbatim, because keys are never trimmed or decoded.
pub(super) fn prefix(raw: &str) -> Option<String> {
    (raw.len() <= 1024).then(|| raw.to_owned())
}

pub(super) fn file_path(raw: &str) -> Option<PathBuf> {
    let path = PathBuf::from(raw);
    (path.file_name().is_some() && !raw.ends_with(['/', '\\', '\0'])).then_some(path)
}

/// Digits only: `+5`, `1_000` and `5.0` are probably mistakes.
fn whole<const MIN: u64, const MAX: u64>(raw: &str) -> Option<u64> {
    let raw = raw.trim();
    if !raw.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    raw.parse().ok().filter(|number| (MIN..=MAX).contains(number))
}

pub(super) fn count<const MIN: u64, const MAX: u64>(raw: &str) -> Option<NonZeroUsize> {
    whole::<MIN, MAX>(raw).and_then(|number| usize::try_from(number).ok()).and_then(NonZeroUsize::new)
}

pub(super) fn seconds<const MIN: u64, const MAX: u64>(raw: &str) -> Option<Duration> {
    whole::<MIN, MAX>(raw).map(Duration::from_secs)
}

pub(super) fn size_limit<const MIN: u64, const MAX: u64>(raw: &str) -> Option<SizeLimit> {
    if raw.trim().eq_ignore_ascii_case("unlimited") {
        return Some(SizeLimit::Unlimited);
    }
    whole::<MIN, MAX>(raw)?.checked_mul(1024 * 1024).map(SizeLimit::Bytes)
}

pub(super) fn max_delete(raw: &str) -> Option<MaxDelete> {
    match raw.trim().strip_suffix('%') {
        Some(percent) => whole::<0, 100>(percent).and_then(|percent| u8::try_from(percent).ok()).map(MaxDelete::Percent),
        None => whole::<0, { u64::MAX }>(raw).map(MaxDelete::Count),
    }
}

pub(super) fn snapshot_rows(raw: &str) -> Option<SnapshotRows> {
    match raw.trim().to_ascii_lowercase().as_str() {
        "full" => Some(SnapshotRows::Full),
        "changed" => Some(SnapshotRows::Changed),
        _ => None,
    }
}

pub(super) fn yes_or_no(raw: &str) -> Option<bool> {
    match raw.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Also accepts the level names of Python, which existing `.env` files use.
pub(super) fn log_level(raw: &str) -> Option<Level> {
    match raw.trim().to_ascii_uppercase().as_str() {
        "TRACE" => Some(Level::TRACE),
        "DEBUG" => Some(Level::DEBUG),
        "INFO" => Some(Level::INFO),
        "WARN" | "WARNING" => Some(Level::WARN),
        "ERROR" | "CRITICAL" => Some(Level::ERROR),
        _ => None,
    }
}

pub(super) fn log_format(raw: &str) -> Option<LogFormat> {
    match raw.trim().to_ascii_lowercase().as_str() {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}
