//! Ends a failed command: prints one line to stderr and returns the exit code.

use crate::app::ExitCode;
use std::fmt::Display;
use std::io::Write as _;

/// Prints an error to stderr, in one line, and returns the exit code. Ignores a closed or full stderr.
pub(super) fn fail(code: ExitCode, error: impl Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "s3-sync: {error}");
    code
}
