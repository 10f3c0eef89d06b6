//! The settings of the trusted certificate authorities.

use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::values;
use std::path::PathBuf;

const PEM_FILE: &str = "the path of a file with certificates in PEM form";

const TRUST: Declared = Declared { group: Group::Trust, accepted: PEM_FILE, ..PLAIN };

pub(in crate::config) static AWS_CA_BUNDLE: Setting<PathBuf> = Setting {
    declared: Declared {
        name: "AWS_CA_BUNDLE",
        doc: "The certificates of more authorities, such as your own, that every connection trusts: to the S3 servers, the queues, the file manager, the events API and the collector. The AWS CLI trusts only these; here the system's authorities stay trusted, so that a store of your own and a queue at AWS work together.",
        ..TRUST
    },
    parse: values::file_path,
};

pub(in crate::config) static SSL_CERT_FILE: Setting<PathBuf> = Setting {
    declared: Declared {
        name: "SSL_CERT_FILE",
        doc: "The certificates of the authorities that take the place of the system's. Not set: the system's, or those in the directories of `SSL_CERT_DIR`.",
        ..TRUST
    },
    parse: values::file_path,
};
