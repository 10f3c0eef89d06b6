//! What a failure on disk means to the engine.

use crate::endpoint::{EffectCertainty, EndpointError, EndpointErrorKind, EndpointFailure, EndpointId};
use crate::local_fs::LocalFsError;
use crate::retry::Disposition;
use std::io::ErrorKind;

/// Why a call failed.
#[derive(Debug)]
pub(super) enum LocalDirError {
    /// The body of the content failed.
    Body(EndpointError),
    /// Writing ended without the whole body.
    Abandoned,
    /// The directory cannot be used at all.
    Unusable(LocalFsError),
    /// One file failed.
    File {
        /// Whether the call may have had its effect.
        effect: EffectCertainty,
        /// The reason.
        source: LocalFsError,
    },
}

impl LocalDirError {
    pub(super) fn failed(effect: EffectCertainty, source: LocalFsError) -> Self {
        Self::File { effect, source }
    }

    /// The error as the engine knows it.
    pub(super) fn of(self, endpoint: &EndpointId, operation: &'static str, subject: &str) -> EndpointError {
        let failure = |kind, disposition, effect, (reason, hint): (&'static str, &'static str), message| {
            let (endpoint, reason) = (endpoint.clone(), reason.into());
            EndpointError::from(EndpointFailure {
                endpoint,
                operation,
                subject: subject.to_owned(),
                kind,
                disposition,
                effect,
                reason,
                hint,
                message,
            })
        };
        let retry = Disposition::Retry { after: None };
        match self {
            Self::Body(error) => {
                let words = ("local_dir_body_failed", "the source's error says why");
                failure(EndpointErrorKind::BodyFailed, retry, EffectCertainty::None, words, error.to_string())
            }
            Self::Abandoned => {
                let words = ("local_dir_body_failed", "the next run tries again");
                failure(EndpointErrorKind::BodyFailed, retry, EffectCertainty::None, words, "the body was not read to its end".to_owned())
            }
            Self::Unusable(source) => {
                let (words, _) = classified(&source);
                failure(EndpointErrorKind::Other, Disposition::Stop { transient: true }, EffectCertainty::None, words, source.to_string())
            }
            Self::File { effect, source } => {
                let (words, disposition) = classified(&source);
                failure(EndpointErrorKind::Other, disposition, effect, words, source.to_string())
            }
        }
    }
}

type Words = (&'static str, &'static str);

/// Reason, hint, and what it means for the other files.
fn classified(error: &LocalFsError) -> (Words, Disposition) {
    let retry = Disposition::Retry { after: None };
    match error {
        LocalFsError::InvalidPath { .. } | LocalFsError::InTheWay { .. } => {
            (("local_dir_in_the_way", "remove what stands there, or move it elsewhere"), Disposition::Fail)
        }
        LocalFsError::KeepsChanging { .. } => {
            (("local_dir_changing", "another program changes the file all the time: the next run tries again"), retry)
        }
        LocalFsError::WrongLength { .. } => (("local_dir_wrong_length", "the body had another length than announced"), retry),
        LocalFsError::Io { source, .. } => match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                let hint = "make room on the disk of LOCAL_DOWNLOAD_DIR; what was synced stays, and the rest follows";
                (("local_dir_disk_full", hint), Disposition::Stop { transient: false })
            }
            ErrorKind::ReadOnlyFilesystem => {
                (("local_dir_read_only", "mount the file system of LOCAL_DOWNLOAD_DIR for writing"), Disposition::Stop { transient: false })
            }
            ErrorKind::PermissionDenied => {
                let hint = "the user of this process must be allowed to write to LOCAL_DOWNLOAD_DIR and what is in it";
                (("local_dir_permission_denied", hint), Disposition::Fail)
            }
            _ => (("local_dir_error", "see the message"), retry),
        },
    }
}
