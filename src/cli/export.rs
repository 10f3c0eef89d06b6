//! `export`: one side of the state as CSV, to a file or to stdout.

use super::args::{Export, Side};
use super::run::fail;
use super::{ExitCode, Output};
use crate::snapshot;
use crate::state::{self, State};
use crate::workflow::{self, ExportError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Runs the command.
pub(super) async fn run<W: Write + Send + 'static>(arguments: Export, database: PathBuf, mut output: Output<W>) -> ExitCode {
    let written = tokio::task::spawn_blocking(move || write(&arguments, &database, &mut output)).await;
    match written {
        Ok(Ok(())) => ExitCode::Done,
        Ok(Err(error)) => fail(ExitCode::Failed, error),
        Err(error) => fail(ExitCode::Failed, error),
    }
}

/// An export that failed on its way out.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error("the result cannot be printed: {0}")]
    Print(#[from] io::Error),
}

fn write<W: Write>(arguments: &Export, database: &Path, output: &mut Output<W>) -> Result<(), WriteError> {
    let side = match arguments.side {
        Side::Applied => state::Side::Applied,
        Side::Known => state::Side::Known,
    };
    match &arguments.output {
        None => output.stream(|out| {
            workflow::export(database, side, out, "stdout")?;
            Ok(())
        }),
        Some(path) => {
            let mut pending = snapshot::create(path).map_err(ExportError::from)?;
            let mut rows: u64 = 0;
            State::visit_rows(database, side, |file| -> Result<(), ExportError> {
                rows += 1;
                Ok(pending.push(&file)?)
            })?;
            pending.commit().map_err(ExportError::from)?;
            tracing::info!(rows, "snapshot written");
            Ok(())
        }
    }
}
