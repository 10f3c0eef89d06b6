//! `diff OLD NEW`: prints the differences between two snapshots. Differences are no failure.

use crate::app::ExitCode;
use crate::cli::args::Diff;
use crate::cli::failure::fail;
use crate::cli::{Output, OutputFormat};
use crate::diff::{self, DiffError, render};
use crate::snapshot::{self, SnapshotError};
use std::io::{self, Write};

/// Runs the command.
pub(crate) async fn run<W: Write + Send + 'static>(arguments: Diff, mut output: Output<W>) -> ExitCode {
    let compared = tokio::task::spawn_blocking(move || compare(&arguments, &mut output)).await;
    match compared {
        Ok(Ok(())) => ExitCode::Done,
        Ok(Err(error)) => fail(ExitCode::Failed, error),
        Err(error) => fail(ExitCode::Failed, error),
    }
}

/// The error that ended a comparison.
#[derive(Debug, thiserror::Error)]
enum CompareError {
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Diff(#[from] DiffError<SnapshotError>),
    #[error("the result cannot be printed: {0}")]
    Print(#[from] io::Error),
}

fn compare<W: Write>(arguments: &Diff, output: &mut Output<W>) -> Result<(), CompareError> {
    let differences = diff::diff(snapshot::open(&arguments.old)?.ahead()?, snapshot::open(&arguments.new)?.ahead()?);
    let format = output.format();
    output.stream(|out| match format {
        OutputFormat::Text => render::human_lines(differences).try_for_each(|line| print(out, line)),
        OutputFormat::Json => render::json_lines(differences).try_for_each(|line| print(out, line)),
    })
}

fn print(out: &mut dyn Write, line: Result<String, DiffError<SnapshotError>>) -> Result<(), CompareError> {
    Ok(writeln!(out, "{}", line?)?)
}
