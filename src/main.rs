//! The program: parses the command line, runs the command, and returns its exit code.

use s3_sync::{
    app::ExitCode,
    cli::{self, Cli, Interruption},
    config, telemetry,
};
use std::{ffi::OsString, mem::ManuallyDrop, process};

fn main() -> process::ExitCode {
    run(std::env::args_os()).unwrap_or_else(|code| code).into()
}

fn run(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode, ExitCode> {
    let cli = Cli::from_arguments(arguments)?;
    let settings = config::load(&cli.flags(), cli.needs()).map_err(|error| ended(&error, ExitCode::Usage))?;
    let telemetry = telemetry::init(&settings).map_err(|error| ended(&error, ExitCode::Usage))?;
    for notice in &settings.notices {
        tracing::warn!("{notice}");
    }
    #[cfg(feature = "failpoints")]
    settings.fail_point.as_deref().into_iter().for_each(s3_sync::failpoint::arm);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| ended(&error, ExitCode::Failed))?;
    let interruption = {
        let _in_the_runtime = runtime.enter();
        Interruption::listening().map_err(|error| ended(&error, ExitCode::Failed))?
    };
    let (stop_signal, shutdown_timeout) = (interruption.stop_signal(), settings.shutdown_timeout);
    // Dropping the telemetry would wait for the collector, which a second signal must not do.
    let telemetry = ManuallyDrop::new(telemetry);
    let to_the_end = async {
        let code = cli::run(cli, settings, &interruption).await;
        tokio::select! {
            () = ManuallyDrop::into_inner(telemetry).flush() => {}
            () = stop_signal.out_of_grace(shutdown_timeout) => tracing::warn!("no time is left for the last telemetry: it is lost"),
        }
        code
    };
    let code = runtime.block_on(async {
        tokio::select! {
            code = to_the_end => code,
            code = interruption.second_signal() => code.unwrap_or_else(|error| ended(&error, ExitCode::Failed)),
        }
    });
    // After a second signal, work may still be in flight. The process does not wait for it.
    runtime.shutdown_background();
    Ok(code)
}

/// Prints why the command ends. Ignores a closed stderr.
fn ended(reason: &dyn std::fmt::Display, code: ExitCode) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "s3-sync: {reason}");
    code
}
