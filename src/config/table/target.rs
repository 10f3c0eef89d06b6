//! The settings of the bucket for the backup. They have no fallbacks, unlike those of the source bucket, because the `AWS_*`
//! names apply to the source bucket.

use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::table::endpoints::{ADDRESS, SECRET};
use crate::config::values;
use secrecy::SecretString;
use url::Url;

const TARGET: Declared = Declared { group: Group::Target, ..PLAIN };

pub(in crate::config) static TARGET_S3_ENDPOINT: Setting<Url> = Setting {
    declared: Declared { name: "TARGET_S3_ENDPOINT", accepted: ADDRESS, doc: "The S3 server of the backup. Not set: AWS.", ..TARGET },
    parse: values::address,
};

pub(in crate::config) static TARGET_S3_BUCKET: Setting<String> = Setting {
    declared: Declared {
        name: "TARGET_S3_BUCKET",
        accepted: "the bare name of a bucket (no s3://, no slash), tenant:bucket at a Ceph server, or the ARN or alias of an access point",
        doc: "The bucket for the backup. `setup` creates it; nothing is written into it yet. Not set: no backup.",
        ..TARGET
    },
    parse: values::bucket,
};

pub(in crate::config) static TARGET_S3_REGION: Setting<String> = Setting {
    declared: Declared {
        name: "TARGET_S3_REGION",
        default: Some("us-east-1"),
        accepted: "the name of a region, such as eu-central-1",
        doc: "That bucket's region.",
        ..TARGET
    },
    parse: values::region,
};

pub(in crate::config) static TARGET_S3_ACCESS_KEY: Setting<String> = Setting {
    declared: Declared {
        name: "TARGET_S3_ACCESS_KEY",
        accepted: SECRET,
        doc: "The access key's id. Set it together with `TARGET_S3_SECRET_KEY`, or neither. Neither: the credential chain of AWS.",
        ..TARGET
    },
    parse: values::one_line,
};

pub(in crate::config) static TARGET_S3_SECRET_KEY: Setting<SecretString> = Setting {
    declared: Declared { name: "TARGET_S3_SECRET_KEY", secret: true, accepted: SECRET, doc: "The access key's secret.", ..TARGET },
    parse: values::secret,
};
