//! `why KEY`: prints the history of a key, its current state, and what happens next. It may run while another process writes the state, and
//! connects to no endpoint.

mod answer;
mod past;
mod document;
mod text;

use crate::app::ExitCode;
use crate::app::outcome::state_refusal;
use crate::cli::Output;
use crate::cli::args::Why as Arguments;
use crate::cli::failure::fail;
use crate::config::Settings;
use crate::record::ObjectKey;
use crate::state::Views;
use document::Explanation;
use std::io::Write;

/// Runs the command. The exit code is 0 if the state knows the key, else 1.
pub(crate) async fn run<W: Write>(arguments: Arguments, settings: &Settings, output: &mut Output<W>) -> ExitCode {
    let key = match ObjectKey::new(arguments.object_key) {
        Ok(key) => key,
        Err(error) => return fail(ExitCode::Usage, error),
    };
    let report = match Views::open(&settings.database_path).key_report(key.clone()).await {
        Ok(Some(report)) => report,
        Ok(None) => return fail(ExitCode::Failed, nothing_known(&key, &settings.source.prefix)),
        Err(error) => {
            let (code, message) = state_refusal(error, &settings.database_path);
            return fail(code, message);
        }
    };
    match output.print(&Explanation::new(key, report)) {
        Ok(()) => ExitCode::Done,
        Err(error) => fail(ExitCode::Failed, format!("the result cannot be printed: {error}")),
    }
}

fn nothing_known(key: &ObjectKey, prefix: &str) -> String {
    let outside = if key.as_str().starts_with(prefix) { "" } else { "; it does not begin with CUSTOMER_S3_PREFIX" };
    format!(
        "nothing is known of {key}: no observation, no event, no file{outside}. (A key stands as the bucket has it, without a slash before it.)"
    )
}
