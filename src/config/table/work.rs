//! The settings of the state, of operations and their limits, and of log lines on stderr.

use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::values::{self, LogFormat, SizeLimit};
use crate::plan::MaxDelete;
use crate::snapshot::SnapshotRows;
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};
use tracing::Level;

const STATE: Declared = Declared { group: Group::State, ..PLAIN };
const WORK: Declared = Declared { group: Group::Work, ..PLAIN };
const LOGS: Declared = Declared { group: Group::Logs, ..PLAIN };

const YES_OR_NO: &str = "true or false";

pub(in crate::config) static DATABASE_PATH: Setting<PathBuf> = Setting {
    declared: Declared {
        name: "DATABASE_PATH",
        default: Some("data/sync.db"),
        accepted: "the path of a file",
        doc: "The state. Snapshots are written into the same directory, which is created if it is missing.",
        ..STATE
    },
    parse: values::file_path,
};

pub(in crate::config) static CSV_RETENTION: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "CSV_RETENTION",
        default: Some("10"),
        accepted: "a whole number from 1 to 100000",
        doc: "Number of runs whose snapshots are kept.",
        ..STATE
    },
    parse: values::count::<1, 100_000>,
};

pub(in crate::config) static CSV_SNAPSHOTS: Setting<SnapshotRows> = Setting {
    declared: Declared {
        name: "CSV_SNAPSHOTS",
        accepted: "full or changed",
        doc: "Which rows the two snapshots of a cycle show: all, or those that differ and are due. Not set: all of them in a scheduled cycle, those that are due in a cycle that a notification started. A run that lists the bucket, and a cycle that releases held deletes, always show all.",
        ..STATE
    },
    parse: values::snapshot_rows,
};

pub(in crate::config) static CONCURRENCY: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "CONCURRENCY",
        default: Some("64"),
        accepted: "a whole number from 1 to 256",
        doc: "Operations at a time.",
        ..WORK
    },
    parse: values::count::<1, 256>,
};

pub(in crate::config) static LIST_PAGE_KEYS: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "LIST_PAGE_KEYS",
        default: Some("1000"),
        accepted: "a whole number from 1 to 1000",
        doc: "Keys in one page of a listing. A page is one transaction: a run that was killed lists at most one page again.",
        ..WORK
    },
    parse: values::count::<1, 1000>,
};

pub(in crate::config) static MAX_DELETE: Setting<MaxDelete> = Setting {
    declared: Declared {
        name: "MAX_DELETE",
        default: Some("50%"),
        accepted: "a share of the known files from 0% to 100%, or a whole number of files",
        doc: "When more deletes than this are pending, none of them is sent and the exit code is 5. A share never means fewer than 10 files; `0` holds every delete. For deletes reported by events, the share is of the files known by then; for deletes found by a listing, of the files known before it. After the limit is raised, the next cycle sends the held deletes; deletes held because a listing was empty wait for objects in the bucket, or for `--allow-deletes`.",
        ..WORK
    },
    parse: values::max_delete,
};

pub(in crate::config) static MAX_FILE_SIZE_MB: Setting<SizeLimit> = Setting {
    declared: Declared {
        name: "MAX_FILE_SIZE_MB",
        default: Some("unlimited"),
        accepted: "a whole number of MiB from 1 to 1000000000, or unlimited",
        doc: "Larger objects are skipped, with the reason in the report. In MiB (1,048,576 bytes).",
        ..WORK
    },
    parse: values::size_limit::<1, 1_000_000_000>,
};

pub(in crate::config) static SHUTDOWN_TIMEOUT: Setting<Duration> = Setting {
    declared: Declared {
        name: "SHUTDOWN_TIMEOUT",
        default: Some("20"),
        accepted: "a whole number of seconds from 1 to 3600",
        doc: "Time the program has to end after SIGTERM, in seconds. Operations in flight have this time less a few seconds, which are kept to report the outcome.",
        ..WORK
    },
    parse: values::seconds::<1, 3600>,
};

pub(in crate::config) static RETRY_ATTEMPTS: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "RETRY_ATTEMPTS",
        default: Some("4"),
        accepted: "a whole number from 1 to 100",
        doc: "Attempts of one operation in one run, including the first.",
        ..WORK
    },
    parse: values::count::<1, 100>,
};

pub(in crate::config) static VERIFY_FILE_INTEGRITY: Setting<bool> = Setting {
    declared: Declared {
        name: "VERIFY_FILE_INTEGRITY",
        default: Some("true"),
        accepted: YES_OR_NO,
        doc: "Check bodies against the object's checksum while they are sent. `false` checks only the length.",
        ..WORK
    },
    parse: values::yes_or_no,
};

pub(in crate::config) static LOG_LEVEL: Setting<Level> = Setting {
    declared: Declared {
        name: "LOG_LEVEL",
        default: Some("INFO"),
        flag: Some("--log-level"),
        accepted: "TRACE, DEBUG, INFO, WARN (or WARNING), ERROR (or CRITICAL)",
        doc: "The least important lines that are written. Libraries never write below WARN.",
        ..LOGS
    },
    parse: values::log_level,
};

pub(in crate::config) static LOG_FORMAT: Setting<LogFormat> = Setting {
    declared: Declared {
        name: "LOG_FORMAT",
        default: Some("text"),
        flag: Some("--log-format"),
        accepted: "text or json",
        doc: "`json` writes one JSON object a line.",
        ..LOGS
    },
    parse: values::log_format,
};

pub(in crate::config) static NO_COLOR: Setting<()> = Setting {
    declared: Declared {
        name: "NO_COLOR",
        accepted: "any text",
        doc: "Any value turns colours off. They are always off when stderr is not a terminal.",
        ..LOGS
    },
    parse: |_| Some(()),
};
