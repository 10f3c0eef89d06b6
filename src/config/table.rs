//! Every setting, declared once: parsing, error texts and the documentation page come from here. It reads nothing.

use super::{
    declared::{Declared, Group, PLAIN, Setting},
    values::{self, LogFormat, MaxDelete, SizeLimit},
};
use secrecy::SecretString;
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};
use tracing::Level;
use url::Url;

const SOURCE: Declared = Declared { group: Group::Source, ..PLAIN };
const FILE_MANAGER: Declared = Declared { group: Group::FileManager, ..PLAIN };
const STATE: Declared = Declared { group: Group::State, ..PLAIN };
const WORK: Declared = Declared { group: Group::Work, ..PLAIN };
const LOGS: Declared = Declared { group: Group::Logs, ..PLAIN };

const ADDRESS: &str = "an http:// or https:// address with a host, without user, password, query or fragment";
const SECRET: &str = "one line of text without control characters";
const YES_OR_NO: &str = "true or false";

pub(super) static CUSTOMER_S3_ENDPOINT: Setting<Url> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_ENDPOINT",
        fallbacks: &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
        right: ADDRESS,
        doc: "The S3 server. Not set: AWS.",
        ..SOURCE
    },
    parse: values::address,
};

pub(super) static CUSTOMER_S3_ACCESS_KEY: Setting<String> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_ACCESS_KEY",
        fallbacks: &["AWS_ACCESS_KEY_ID"],
        right: SECRET,
        doc: "The access key's id. Goes with `CUSTOMER_S3_SECRET_KEY`: both or neither. Neither: the credential chain of AWS (profile, role, instance).",
        ..SOURCE
    },
    parse: values::one_line,
};

pub(super) static CUSTOMER_S3_SECRET_KEY: Setting<SecretString> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_SECRET_KEY",
        fallbacks: &["AWS_SECRET_ACCESS_KEY"],
        secret: true,
        right: SECRET,
        doc: "The access key's secret.",
        ..SOURCE
    },
    parse: values::secret,
};

pub(super) static AWS_SESSION_TOKEN: Setting<SecretString> = Setting {
    declared: Declared {
        name: "AWS_SESSION_TOKEN",
        secret: true,
        right: SECRET,
        doc: "Belongs to temporary credentials. Used only when the keys are those of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.",
        ..SOURCE
    },
    parse: values::secret,
};

pub(super) static CUSTOMER_S3_BUCKET: Setting<String> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_BUCKET",
        synonyms: &["S3_BUCKET_NAME"],
        right: "the bare name of a bucket (no s3://, no slash), or the ARN of an access point",
        doc: "The bucket that is read. Required by the commands that read it.",
        ..SOURCE
    },
    parse: values::bucket,
};

pub(super) static CUSTOMER_S3_REGION: Setting<String> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_REGION",
        fallbacks: &["AWS_REGION", "AWS_DEFAULT_REGION"],
        default: Some("us-east-1"),
        right: "the name of a region, such as eu-central-1",
        doc: "The bucket's region.",
        ..SOURCE
    },
    parse: values::region,
};

pub(super) static CUSTOMER_S3_PREFIX: Setting<String> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_PREFIX",
        right: "the first part of object keys, at most 1024 bytes",
        doc: "Only keys that begin with this, byte for byte. Not set: the whole bucket.",
        ..SOURCE
    },
    parse: values::prefix,
};

pub(super) static FILE_MANAGER_API_URL: Setting<Url> = Setting {
    declared: Declared {
        name: "FILE_MANAGER_API_URL",
        fallbacks: &["MOCK_API_URL"],
        right: ADDRESS,
        doc: "The file manager. Required by the commands that write to it.",
        ..FILE_MANAGER
    },
    parse: values::address,
};

pub(super) static FILE_MANAGER_API_TOKEN: Setting<SecretString> = Setting {
    declared: Declared {
        name: "FILE_MANAGER_API_TOKEN",
        secret: true,
        right: SECRET,
        doc: "Sent as `Authorization: Bearer …`. Not set: no such header.",
        ..FILE_MANAGER
    },
    parse: values::secret,
};

pub(super) static EVENTS_API_URL: Setting<Url> = Setting {
    declared: Declared {
        name: "EVENTS_API_URL",
        synonyms: &["MOCK_API_URL"],
        right: ADDRESS,
        doc: "Where results are reported. Not set: nowhere.",
        ..FILE_MANAGER
    },
    parse: values::address,
};

pub(super) static DATABASE_PATH: Setting<PathBuf> = Setting {
    declared: Declared {
        name: "DATABASE_PATH",
        default: Some("data/sync.db"),
        right: "the path of a file",
        doc: "The state. Snapshots are written into the same directory, which is made when it is not there.",
        ..STATE
    },
    parse: values::file_path,
};

pub(super) static CSV_RETENTION: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "CSV_RETENTION",
        default: Some("10"),
        right: "a whole number from 1 to 100000",
        doc: "The snapshots of this many runs are kept.",
        ..STATE
    },
    parse: values::count::<1, 100_000>,
};

pub(super) static CONCURRENCY: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "CONCURRENCY",
        default: Some("16"),
        right: "a whole number from 1 to 256",
        doc: "Operations at a time.",
        ..WORK
    },
    parse: values::count::<1, 256>,
};

pub(super) static LIST_PAGE_KEYS: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "LIST_PAGE_KEYS",
        default: Some("1000"),
        right: "a whole number from 1 to 1000",
        doc: "Keys in one page of a listing. A page is one transaction: a run that was killed lists again no more than one.",
        ..WORK
    },
    parse: values::count::<1, 1000>,
};

pub(super) static MAX_DELETE: Setting<MaxDelete> = Setting {
    declared: Declared {
        name: "MAX_DELETE",
        default: Some("50%"),
        right: "a share of the known files from 0% to 100%, or a whole number of files",
        doc: "When more deletes than this are pending, none of them is sent and the exit code is 5. A share never means fewer than 10 files; `0` holds every delete.",
        ..WORK
    },
    parse: values::max_delete,
};

pub(super) static MAX_FILE_SIZE_MB: Setting<SizeLimit> = Setting {
    declared: Declared {
        name: "MAX_FILE_SIZE_MB",
        default: Some("unlimited"),
        right: "a whole number of MiB from 1 to 1000000000, or unlimited",
        doc: "Larger objects are skipped, with the reason in the report. In MiB (1,048,576 bytes).",
        ..WORK
    },
    parse: values::size_limit::<1, 1_000_000_000>,
};

pub(super) static SHUTDOWN_TIMEOUT: Setting<Duration> = Setting {
    declared: Declared {
        name: "SHUTDOWN_TIMEOUT",
        default: Some("20"),
        right: "a whole number of seconds from 1 to 3600",
        doc: "How long SIGTERM waits for what is in flight, in seconds.",
        ..WORK
    },
    parse: values::seconds::<1, 3600>,
};

pub(super) static RETRY_ATTEMPTS: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "RETRY_ATTEMPTS",
        default: Some("4"),
        right: "a whole number from 1 to 100",
        doc: "Attempts of one operation in one run, the first one included.",
        ..WORK
    },
    parse: values::count::<1, 100>,
};

pub(super) static VERIFY_FILE_INTEGRITY: Setting<bool> = Setting {
    declared: Declared {
        name: "VERIFY_FILE_INTEGRITY",
        default: Some("true"),
        right: YES_OR_NO,
        doc: "Whether bodies are checked against the object's checksum while they pass. `false` checks the length alone.",
        ..WORK
    },
    parse: values::yes_or_no,
};

pub(super) static LOG_LEVEL: Setting<Level> = Setting {
    declared: Declared {
        name: "LOG_LEVEL",
        default: Some("INFO"),
        flag: Some("--log-level"),
        right: "TRACE, DEBUG, INFO, WARN (or WARNING), ERROR (or CRITICAL)",
        doc: "The least important lines that are written. Other people's code never writes below WARN.",
        ..LOGS
    },
    parse: values::log_level,
};

pub(super) static LOG_FORMAT: Setting<LogFormat> = Setting {
    declared: Declared {
        name: "LOG_FORMAT",
        default: Some("text"),
        flag: Some("--log-format"),
        right: "text or json",
        doc: "`json` writes one JSON object a line.",
        ..LOGS
    },
    parse: values::log_format,
};

pub(super) static NO_COLOR: Setting<()> = Setting {
    declared: Declared {
        name: "NO_COLOR",
        right: "any text",
        doc: "Set, whatever it says: no colours. They are off anyway when stderr is no terminal.",
        ..LOGS
    },
    parse: |_| Some(()),
};

/// All of them, in the order of the documentation page.
pub static TABLE: [&Declared; 21] = [
    &CUSTOMER_S3_ENDPOINT.declared,
    &CUSTOMER_S3_BUCKET.declared,
    &CUSTOMER_S3_PREFIX.declared,
    &CUSTOMER_S3_REGION.declared,
    &CUSTOMER_S3_ACCESS_KEY.declared,
    &CUSTOMER_S3_SECRET_KEY.declared,
    &AWS_SESSION_TOKEN.declared,
    &FILE_MANAGER_API_URL.declared,
    &FILE_MANAGER_API_TOKEN.declared,
    &EVENTS_API_URL.declared,
    &DATABASE_PATH.declared,
    &CSV_RETENTION.declared,
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
];

/// Settings of the system before this one that nothing reads any more: setting one is answered with what replaced it.
pub(super) static RETIRED: [(&str, &str); 1] =
    [("LIVE_RELOAD", "LIVE_RELOAD is not read: it is replaced by `make dev`, which rebuilds and restarts on a change")];

/// Names that begin like ours. One of them that nothing knows is most likely a slip of the pen, and is told.
pub(super) const OWN_PREFIXES: [&str; 3] = ["CUSTOMER_S3_", "FILE_MANAGER_API_", "EVENTS_API_"];

/// Every name that means something, in upper case.
pub(super) fn known_names() -> impl Iterator<Item = String> {
    TABLE.iter().flat_map(|declared| declared.names()).chain(RETIRED.iter().map(|(name, _)| (*name).to_owned()))
}
