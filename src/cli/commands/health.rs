//! `health`: prints the status that the running daemon reports, within two seconds. Connects to no endpoint and opens no database.

use crate::app::ExitCode;
use crate::cli::failure::fail;
use crate::cli::{Output, daemon_client};
use crate::config::Settings;
use crate::daemon::{EndpointStatus, Health};
use crate::record::Escaped;
use serde::Serialize;
use std::fmt;
use std::io::Write;

/// The printed result.
#[derive(Debug, Serialize)]
struct Answer {
    /// `healthy`, `degraded` or `error`.
    service_status: Health,
    /// The problems, one sentence each.
    problems: Vec<String>,
    /// Ours: the status of each endpoint when it was last probed.
    #[serde(rename = "doors")]
    endpoints: Vec<EndpointStatus>,
}

/// Runs the command.
pub(crate) async fn run<W: Write>(settings: &Settings, output: &mut Output<W>) -> ExitCode {
    let status = match daemon_client::status(&settings.database_path).await {
        Ok(status) => status,
        Err(error) => {
            let database = settings.database_path.display().to_string();
            return fail(ExitCode::Failed, format!("no daemon of {} answers: {error}", Escaped(&database)));
        }
    };
    let answer = Answer { service_status: status.health, problems: status.problems, endpoints: status.endpoints };
    match output.print(&answer) {
        Ok(()) if answer.service_status == Health::Error => ExitCode::Failed,
        Ok(()) => ExitCode::Done,
        Err(error) => fail(ExitCode::Failed, format!("the result cannot be printed: {error}")),
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.service_status.as_str())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n- {problem}"))?;
        self.endpoints.iter().try_for_each(|endpoint| write!(f, "\n{endpoint}"))
    }
}
