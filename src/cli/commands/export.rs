//! `export`: writes one side of the state as CSV, to a file or to stdout.

use crate::app::ExitCode;
use crate::app::outcome::state_refusal;
use crate::cli::args::{Export, ExportSide};
use crate::cli::failure::fail;
use crate::cli::{Output, OutputFormat};
use crate::record::Escaped;
use crate::snapshot;
use crate::state::{self, StateError, Views};
use crate::workflow::{self, ExportError};
use serde::Serialize;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// The result of an export to a file.
#[derive(Debug, Serialize)]
struct Written {
    /// The path, as given.
    output: String,
    /// `applied` or `known`.
    side: &'static str,
    rows: u64,
}

/// Runs the command.
pub(crate) async fn run<W: Write + Send + 'static>(arguments: Export, database: PathBuf, mut output: Output<W>) -> ExitCode {
    let to_stdout = arguments.output.is_none();
    if let Some(why) = refusal(to_stdout, output.format(), io::stdout().is_terminal()) {
        return fail(ExitCode::Usage, why);
    }
    let path = database.clone();
    let written = tokio::task::spawn_blocking(move || write(&arguments, &path, &mut output)).await;
    match written {
        Ok(Ok(())) => ExitCode::Done,
        Ok(Err(WriteError::Export(ExportError::State(error)))) => {
            let (code, message) = state_refusal(error, &database);
            fail(code, message)
        }
        Ok(Err(error)) => fail(ExitCode::Failed, error),
        Err(error) => fail(ExitCode::Failed, error),
    }
}

/// The reason why the output is refused. CSV contains keys verbatim, so control characters of a key could control a terminal.
fn refusal(to_stdout: bool, format: OutputFormat, terminal: bool) -> Option<&'static str> {
    match (to_stdout, format) {
        (true, OutputFormat::Json) => Some("export prints CSV, not JSON: --json goes with --output FILE, and tells what was written there"),
        (true, OutputFormat::Text) if terminal => {
            Some("export does not print to a terminal, which keys could give orders to: use --output FILE, or a pipe")
        }
        _ => None,
    }
}

/// The error of an export.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error("the result cannot be printed: {0}")]
    Print(#[from] io::Error),
}

impl From<StateError> for WriteError {
    fn from(error: StateError) -> Self {
        Self::Export(error.into())
    }
}

fn write<W: Write>(arguments: &Export, database: &Path, output: &mut Output<W>) -> Result<(), WriteError> {
    // Check before the first byte is written, because a header alone would be a snapshot of an empty state.
    Views::open(database).check_sink(&arguments.sink)?;
    let (side, name) = match arguments.side {
        ExportSide::Applied => (state::SinkSide::Applied, "applied"),
        ExportSide::Known => (state::SinkSide::Known, "known"),
    };
    let Some(path) = &arguments.output else {
        return output.stream(|out| {
            workflow::export(&Views::open(database), (&arguments.sink, side), out, "stdout")?;
            Ok(())
        });
    };
    let mut pending = snapshot::create(path).map_err(ExportError::from)?;
    let mut rows: u64 = 0;
    Views::open(database).snapshot_rows((&arguments.sink, side), |file| -> Result<(), ExportError> {
        rows += 1;
        Ok(pending.push(file)?)
    })?;
    pending.commit().map_err(ExportError::from)?;
    Ok(output.print(&Written { output: path.to_string_lossy().into_owned(), side: name, rows })?)
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = if self.rows == 1 { "row" } else { "rows" };
        write!(f, "{} {rows} written to {}", self.rows, Escaped(&self.output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_never_printed_to_a_terminal() {
        for (to_stdout, format, terminal, words) in [
            (true, OutputFormat::Text, true, Some("--output FILE, or a pipe")),
            (true, OutputFormat::Text, false, None),
            (false, OutputFormat::Text, true, None),
            (true, OutputFormat::Json, false, Some("not JSON")),
            (false, OutputFormat::Json, true, None),
        ] {
            let why = refusal(to_stdout, format, terminal);
            assert_eq!(why.is_some(), words.is_some(), "{to_stdout} {format:?} {terminal}");
            assert!(why.unwrap_or_default().contains(words.unwrap_or_default()), "{why:?}");
        }
    }
}
