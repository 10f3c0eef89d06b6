//! The settings of the mirror: the bucket as files.

use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::values;
use std::path::PathBuf;

pub(in crate::config) static LOCAL_DOWNLOAD_DIR: Setting<PathBuf> = Setting {
    declared: Declared {
        name: "LOCAL_DOWNLOAD_DIR",
        group: Group::Mirror,
        names_sink: true,
        accepted: "the path of a directory that holds neither the state nor the log file, and is in none of their directories",
        doc: "The directory in which each object is a file. It is created if it is missing. Objects above 1000 MiB are skipped there unless `MAX_FILE_SIZE_MB` is set. Not set: no mirror.",
        ..PLAIN
    },
    parse: values::file_path,
};
