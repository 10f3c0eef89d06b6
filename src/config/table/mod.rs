//! Every setting, declared once. Parsing, error texts and the documentation page are derived from the declarations. Reads
//! nothing.

mod endpoints;
mod mirror;
mod schedule;
mod sources;
mod target;
mod telemetry;
mod trust;
mod work;

pub(super) use endpoints::{
    AWS_SESSION_TOKEN, CUSTOMER_S3_ACCESS_KEY, CUSTOMER_S3_ADDRESSING, CUSTOMER_S3_BUCKET, CUSTOMER_S3_ENDPOINT, CUSTOMER_S3_PREFIX,
    CUSTOMER_S3_REGION, CUSTOMER_S3_SECRET_KEY, CUSTOMER_S3_TIMEOUT, EVENTS_API_URL, FILE_MANAGER_API_TOKEN, FILE_MANAGER_API_URL,
};
pub(super) use mirror::LOCAL_DOWNLOAD_DIR;
pub(super) use schedule::{RECONCILE_CRON, SYNC_CRON, SYNC_INTERVAL};
pub(super) use sources::{EVENTS_SQS_ENDPOINT, EVENTS_SQS_QUEUE_URL, INBOX_MAX};
pub(super) use target::{TARGET_S3_ACCESS_KEY, TARGET_S3_BUCKET, TARGET_S3_ENDPOINT, TARGET_S3_REGION, TARGET_S3_SECRET_KEY};
pub(super) use telemetry::{
    LOG_FILE, LOG_FILE_MAX_MB, LOG_FILES_KEPT, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SDK_DISABLED,
    OTEL_SERVICE_NAME,
};
pub(super) use trust::{AWS_CA_BUNDLE, SSL_CERT_FILE};
pub(super) use work::{
    CONCURRENCY, CSV_RETENTION, CSV_SNAPSHOTS, DATABASE_PATH, LIST_PAGE_KEYS, LOG_FORMAT, LOG_LEVEL, MAX_DELETE, MAX_FILE_SIZE_MB,
    NO_COLOR, RETRY_ATTEMPTS, SHUTDOWN_TIMEOUT, VERIFY_FILE_INTEGRITY,
};

use super::declared::Declared;

/// All settings, in the order of the documentation page.
pub static TABLE: [&Declared; 46] = [
    &CUSTOMER_S3_ENDPOINT.declared,
    &CUSTOMER_S3_ADDRESSING.declared,
    &CUSTOMER_S3_BUCKET.declared,
    &CUSTOMER_S3_PREFIX.declared,
    &CUSTOMER_S3_REGION.declared,
    &CUSTOMER_S3_ACCESS_KEY.declared,
    &CUSTOMER_S3_SECRET_KEY.declared,
    &AWS_SESSION_TOKEN.declared,
    &CUSTOMER_S3_TIMEOUT.declared,
    &FILE_MANAGER_API_URL.declared,
    &FILE_MANAGER_API_TOKEN.declared,
    &EVENTS_API_URL.declared,
    &LOCAL_DOWNLOAD_DIR.declared,
    &EVENTS_SQS_QUEUE_URL.declared,
    &EVENTS_SQS_ENDPOINT.declared,
    &INBOX_MAX.declared,
    &TARGET_S3_ENDPOINT.declared,
    &TARGET_S3_BUCKET.declared,
    &TARGET_S3_REGION.declared,
    &TARGET_S3_ACCESS_KEY.declared,
    &TARGET_S3_SECRET_KEY.declared,
    &AWS_CA_BUNDLE.declared,
    &SSL_CERT_FILE.declared,
    &DATABASE_PATH.declared,
    &CSV_RETENTION.declared,
    &CSV_SNAPSHOTS.declared,
    &SYNC_INTERVAL.declared,
    &SYNC_CRON.declared,
    &RECONCILE_CRON.declared,
    &CONCURRENCY.declared,
    &LIST_PAGE_KEYS.declared,
    &RETRY_ATTEMPTS.declared,
    &SHUTDOWN_TIMEOUT.declared,
    &MAX_FILE_SIZE_MB.declared,
    &MAX_DELETE.declared,
    &VERIFY_FILE_INTEGRITY.declared,
    &LOG_LEVEL.declared,
    &LOG_FORMAT.declared,
    &NO_COLOR.declared,
    &LOG_FILE.declared,
    &LOG_FILE_MAX_MB.declared,
    &LOG_FILES_KEPT.declared,
    &OTEL_EXPORTER_OTLP_ENDPOINT.declared,
    &OTEL_EXPORTER_OTLP_HEADERS.declared,
    &OTEL_SDK_DISABLED.declared,
    &OTEL_SERVICE_NAME.declared,
];

/// Settings of the previous system that this program ignores, each with a notice that names its replacement.
pub(super) static RETIRED: [(&str, &str); 1] =
    [("LIVE_RELOAD", "LIVE_RELOAD is not read: a running program never reloads itself; start it again after a change")];

/// Prefixes of our own names. An unknown name with such a prefix is probably a typo, and becomes a notice.
pub(super) const OWN_PREFIXES: [&str; 5] = ["CUSTOMER_S3_", "TARGET_S3_", "FILE_MANAGER_API_", "EVENTS_API_", "EVENTS_SQS_"];

/// Every known name, in upper case.
pub(super) fn known_names() -> impl Iterator<Item = String> {
    TABLE.iter().flat_map(|declared| declared.names()).chain(RETIRED.iter().map(|(name, _)| (*name).to_owned()))
}
