//! The end of a failed command: one line on stderr, and its exit code.

use crate::app::ExitCode;
use std::fmt::Display;
use std::io::Write as _;

/// Tells why a command failed, on stderr, in one line. A stderr that is closed or full is no reason to panic.
pub(super) fn fail(code: ExitCode, error: impl Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "s3-sync: {error}");
    code
}
