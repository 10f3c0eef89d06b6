//! The settings of the endpoints: the customer's bucket, the file manager, the events API.

use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::values::{self, Addressing};
use secrecy::SecretString;
use std::time::Duration;
use url::Url;

const SOURCE: Declared = Declared { group: Group::Source, ..PLAIN };
const FILE_MANAGER: Declared = Declared { group: Group::FileManager, ..PLAIN };

pub(super) const ADDRESS: &str = "an http:// or https:// address with a host, without user, password, query or fragment";
pub(super) const SECRET: &str = "one line of text without control characters";

pub(in crate::config) static CUSTOMER_S3_ENDPOINT: Setting<Url> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_ENDPOINT",
        fallbacks: &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
        accepted: ADDRESS,
        doc: "The S3 server; its path, if it has one, stands before the bucket. Not set: AWS.",
        ..SOURCE
    },
    parse: values::address,
};

pub(in crate::config) static CUSTOMER_S3_ADDRESSING: Setting<Addressing> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_ADDRESSING",
        default: Some("auto"),
        accepted: "auto, path or virtual",
        doc: "Where the bucket's name stands in an address. `path`: `https://HOST/BUCKET/KEY`. `virtual`: `https://BUCKET.HOST/KEY`, which some stores demand. `auto`: `path` at `CUSTOMER_S3_ENDPOINT`, `virtual` at AWS.",
        ..SOURCE
    },
    parse: values::addressing,
};

pub(in crate::config) static CUSTOMER_S3_ACCESS_KEY: Setting<String> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_ACCESS_KEY",
        fallbacks: &["AWS_ACCESS_KEY_ID"],
        accepted: SECRET,
        doc: "The access key's id. Set it together with `CUSTOMER_S3_SECRET_KEY`, or neither. Neither: the credential chain of AWS (profile, role, instance).",
        ..SOURCE
    },
    parse: values::one_line,
};

pub(in crate::config) static CUSTOMER_S3_SECRET_KEY: Setting<SecretString> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_SECRET_KEY",
        fallbacks: &["AWS_SECRET_ACCESS_KEY"],
        secret: true,
        accepted: SECRET,
        doc: "The access key's secret.",
        ..SOURCE
    },
    parse: values::secret,
};

pub(in crate::config) static AWS_SESSION_TOKEN: Setting<SecretString> = Setting {
    declared: Declared {
        name: "AWS_SESSION_TOKEN",
        secret: true,
        accepted: SECRET,
        doc: "For temporary credentials. Used only with the keys of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.",
        ..SOURCE
    },
    parse: values::secret,
};

pub(in crate::config) static CUSTOMER_S3_BUCKET: Setting<String> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_BUCKET",
        synonyms: &["S3_BUCKET_NAME"],
        accepted: "the bare name of a bucket (no s3://, no slash), tenant:bucket at a Ceph server, or the ARN or alias of an access point",
        doc: "The bucket that is read. Required by the commands that read it.",
        ..SOURCE
    },
    parse: values::bucket,
};

pub(in crate::config) static CUSTOMER_S3_REGION: Setting<String> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_REGION",
        fallbacks: &["AWS_REGION", "AWS_DEFAULT_REGION"],
        default: Some("us-east-1"),
        accepted: "the name of a region, such as eu-central-1",
        doc: "The bucket's region.",
        ..SOURCE
    },
    parse: values::region,
};

pub(in crate::config) static CUSTOMER_S3_PREFIX: Setting<String> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_PREFIX",
        accepted: "the first part of object keys, at most 1024 bytes",
        doc: "Only keys that begin with this, byte for byte. Not set: the whole bucket.",
        ..SOURCE
    },
    parse: values::prefix,
};

pub(in crate::config) static CUSTOMER_S3_TIMEOUT: Setting<Duration> = Setting {
    declared: Declared {
        name: "CUSTOMER_S3_TIMEOUT",
        default: Some("30"),
        accepted: "a whole number of seconds from 1 to 3600",
        doc: "Longest silence of the S3 server, in seconds: before a response begins, and within a body. A whole listing page or HEAD may take twice as long.",
        ..SOURCE
    },
    parse: values::seconds::<1, 3600>,
};

pub(in crate::config) static FILE_MANAGER_API_URL: Setting<Url> = Setting {
    declared: Declared {
        name: "FILE_MANAGER_API_URL",
        fallbacks: &["MOCK_API_URL"],
        names_sink: true,
        accepted: ADDRESS,
        doc: "The file manager. Required by the commands that write to it.",
        ..FILE_MANAGER
    },
    parse: values::address,
};

pub(in crate::config) static FILE_MANAGER_API_TOKEN: Setting<SecretString> = Setting {
    declared: Declared {
        name: "FILE_MANAGER_API_TOKEN",
        secret: true,
        accepted: SECRET,
        doc: "Sent as `Authorization: Bearer …`. Not set: no such header.",
        ..FILE_MANAGER
    },
    parse: values::secret,
};

pub(in crate::config) static EVENTS_API_URL: Setting<Url> = Setting {
    declared: Declared {
        name: "EVENTS_API_URL",
        synonyms: &["MOCK_API_URL"],
        accepted: ADDRESS,
        doc: "The events API: reports are posted to it, and the event feed is read from it. Not set: neither.",
        ..FILE_MANAGER
    },
    parse: values::address,
};
