//! `diff OLD NEW`: what changed between two snapshots. Differences are no failure.

use super::args::Diff;
use super::run::fail;
use super::{ExitCode, Output, OutputFormat};
use crate::diff::{self, RenderError};
use crate::snapshot;
use std::io::Write;

/// Runs the command.
pub(super) async fn run<W: Write + Send + 'static>(arguments: Diff, mut output: Output<W>) -> ExitCode {
    let compared = tokio::task::spawn_blocking(move || compare(&arguments, &mut output)).await;
    match compared {
        Ok(Ok(())) => ExitCode::Done,
        Ok(Err(error)) => fail(ExitCode::Failed, error),
        Err(error) => fail(ExitCode::Failed, error),
    }
}
