//! The test double as a process: flags, the address on stdout, and a clean end. The rest is in the library.

use clap::Parser;
use mock_api::{Contents, MockApi, Options};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A test double of the file-manager API and of the event feed, for demos, tests and benchmarks. It keeps nothing after its end.
///
/// The first line on stdout is its URL. Control and inspection are under /_mock: calls, files, effects, reports, permissions,
/// feed, faults, release.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Address to listen on; port 0 = a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8001")]
    listen: String,
    /// Stores contents in this directory, each under its internal id; without it they are only counted and hashed.
    #[arg(long, value_name = "DIR")]
    blobs: Option<PathBuf>,
    /// Requires this bearer token on every call. Visible in the list of processes: prefer a file.
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// Requires the bearer token in this file; surrounding white space is ignored.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Number of calls that are recorded, the newest ones; 0 is fastest.
    #[arg(long, value_name = "N", default_value_t = Options::default().recorded_calls)]
    recorded_calls: usize,
    /// Accepts with 200 what a strict file manager refuses: an update, a delete or a rename of an unknown path, a rename onto a taken one.
    #[arg(long)]
    lenient: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let flags = Flags::parse();
    match run(flags).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<(), String> {
    // Before the address is printed: a signal that comes right after it must be handled.
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("cannot wait for SIGTERM: {error}"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| format!("cannot wait for SIGINT: {error}"))?;
    let listener = TcpListener::bind(&flags.listen).await.map_err(|error| format!("cannot listen on {}: {error}", flags.listen))?;
    let address = listener.local_addr().map_err(|error| format!("cannot print the address: {error}"))?;
    let api = MockApi::new(options(flags)?);
    let mut stdout = io::stdout();
    writeln!(stdout, "http://{address}").and_then(|()| stdout.flush()).map_err(|error| format!("cannot print the address: {error}"))?;
    api.serve(listener, async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await;
    Ok(())
}

fn options(flags: Flags) -> Result<Options, String> {
    let token = match (flags.token, flags.token_file) {
        (Some(token), _) => Some(token),
        (None, Some(file)) => Some(read_token(&file)?),
        (None, None) => None,
    };
    if token.as_ref().is_some_and(String::is_empty) {
        return Err("the token is empty".to_owned());
    }
    let contents = match flags.blobs {
        Some(directory) => {
            std::fs::create_dir_all(&directory).map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
            Contents::Directory(directory)
        }
        None => Contents::Hashed,
    };
    Ok(Options { contents, token, recorded_calls: flags.recorded_calls, lenient: flags.lenient })
}

fn read_token(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read the token from {}: {error}", file.display()))?;
    Ok(text.trim().to_owned())
}
