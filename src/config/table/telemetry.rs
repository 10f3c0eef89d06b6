//! The settings of the log file and of the OTLP collector.

use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::{headers, values};
use secrecy::SecretString;
use std::{num::NonZeroUsize, path::PathBuf};
use url::Url;

const LOGS: Declared = Declared { group: Group::Logs, ..PLAIN };
const COLLECTOR: Declared = Declared { group: Group::Collector, ..PLAIN };

pub(in crate::config) static LOG_FILE: Setting<PathBuf> = Setting {
    declared: Declared {
        name: "LOG_FILE",
        accepted: "the path of a file",
        doc: "Log lines go into this file (mode 0600) as well as to stderr. Its directory must exist. Not set: no file.",
        ..LOGS
    },
    parse: values::file_path,
};

pub(in crate::config) static LOG_FILE_MAX_MB: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "LOG_FILE_MAX_MB",
        default: Some("100"),
        accepted: "a whole number of MiB from 1 to 100000",
        doc: "A line that would make the log file larger starts a new file; the old one is kept as `LOG_FILE.1`, the one before as `LOG_FILE.2`, and so on. In MiB (1,048,576 bytes).",
        ..LOGS
    },
    parse: values::count::<1, 100_000>,
};

pub(in crate::config) static LOG_FILES_KEPT: Setting<NonZeroUsize> = Setting {
    declared: Declared {
        name: "LOG_FILES_KEPT",
        default: Some("5"),
        accepted: "a whole number from 1 to 1000",
        doc: "Number of log files kept beside the current one; older ones are removed.",
        ..LOGS
    },
    parse: values::count::<1, 1000>,
};

pub(in crate::config) static OTEL_EXPORTER_OTLP_ENDPOINT: Setting<Url> = Setting {
    declared: Declared {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        accepted: "an http:// or https:// address with a host, without user, password, query or fragment",
        doc: "A collector that accepts OTLP over HTTP (`http/protobuf`, usually on port 4318): spans go to `/v1/traces` below this address, metrics to `/v1/metrics`. Not set: none are sent. Their names are in [telemetry.md](telemetry.md).",
        ..COLLECTOR
    },
    parse: values::address,
};

pub(in crate::config) static OTEL_EXPORTER_OTLP_HEADERS: Setting<Vec<(String, SecretString)>> = Setting {
    declared: Declared {
        name: "OTEL_EXPORTER_OTLP_HEADERS",
        secret: true,
        accepted: "name=value pairs with commas between them, values percent-encoded",
        doc: "Headers for every request to the collector, such as `authorization=Bearer%20…`.",
        ..COLLECTOR
    },
    parse: headers::parse,
};

pub(in crate::config) static OTEL_SDK_DISABLED: Setting<bool> = Setting {
    declared: Declared {
        name: "OTEL_SDK_DISABLED",
        default: Some("false"),
        accepted: "true or false",
        doc: "`true`: nothing is sent to the collector, whatever else is set.",
        ..COLLECTOR
    },
    parse: values::yes_or_no,
};

pub(in crate::config) static OTEL_SERVICE_NAME: Setting<String> = Setting {
    declared: Declared {
        name: "OTEL_SERVICE_NAME",
        default: Some("s3-sync"),
        accepted: "one line of text without control characters",
        doc: "The name of this process in spans and metrics (`service.name`).",
        ..COLLECTOR
    },
    parse: values::one_line,
};
