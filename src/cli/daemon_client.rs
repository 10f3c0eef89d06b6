//! The client of the running daemon: requests a run and follows it, retries or drops dead letters, queries the status.

use super::{Interruption, progress};
use crate::app::outcome::Refusal;
use crate::app::{ExitCode, endpoints};
use crate::config::Settings;
use crate::daemon::{
    self, DeadLettersMessage, Envelope, MAX_LINE_BYTES, Reply, Request, RunMessage, RunProgress, RunRequest, ServiceStatus,
};
use crate::events::dead_letters::Retried;
use crate::report::Report;
use crate::state::Holder;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

/// The command name with which a daemon holds the lock.
pub(super) const DAEMON: &str = "daemon";
/// The longest wait for the socket of a daemon that holds the lock and is still starting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The log line before a request is sent to the daemon.
const ASKED: &str = "the running daemon is asked for it";
const CONNECT_RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// The time limit for the daemon's status.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects to the daemon that holds the lock; `None` = the holder is no daemon, or does not answer.
pub(super) async fn daemon_of(database: &Path, holder: &Holder) -> Option<UnixStream> {
    let give_up = Instant::now() + CONNECT_TIMEOUT;
    loop {
        match daemon::connect(database).await {
            Ok(stream) => return Some(stream),
            Err(_) if holder.command == DAEMON && Instant::now() < give_up => sleep(CONNECT_RETRY_INTERVAL).await,
            Err(_) => return None,
        }
    }
}

/// The status of the daemon of a database, or the reason why it is unknown.
pub(super) async fn status(database: &Path) -> Result<ServiceStatus, String> {
    let query = timeout(STATUS_TIMEOUT, async {
        let mut stream = daemon::connect(database).await?;
        daemon::write_line(&mut stream, &Envelope::of(Request::Status)).await?;
        daemon::read_line::<Reply>(&mut BufReader::new(stream), MAX_LINE_BYTES).await
    });
    match query.await {
        Ok(Ok(Some(Reply::Status(status)))) => Ok(*status),
        Ok(Ok(Some(Reply::Refused { message, .. }))) => Err(message),
        Ok(Ok(_)) => Err("the daemon gave no answer".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", STATUS_TIMEOUT.as_secs())),
    }
}

/// Requests a run from the daemon and displays its progress. Returns the exit code of the command and the report of the run.
pub(super) async fn run(
    stream: UnixStream,
    request: RunRequest,
    settings: &Settings,
    interruption: &Interruption,
) -> Result<(ExitCode, Box<Report>), Refusal> {
    let failed = |words: String| (ExitCode::Failed, words);
    tracing::info!("{ASKED}");
    let stop_signal = interruption.stop_signal();
    let followed = tokio::select! {
        followed = follow(stream, RunMessage::of(request, endpoints::client_identity(settings)), settings) => followed,
        () = stop_signal.stopped() => {
            let code = interruption.code().unwrap_or(ExitCode::Failed);
            return Err((code, "no longer waiting: the daemon goes on with the run".to_owned()));
        }
    };
    match followed {
        Ok(Some(Reply::Ended { exit_code, report })) => Ok((ExitCode::of_number(exit_code), report)),
        Ok(Some(Reply::Refused { exit_code, message })) => Err((ExitCode::of_number(exit_code), message)),
        Ok(_) => Err(failed("the daemon went away before the run came to its end: `s3-sync status` tells more".to_owned())),
        Err(error) => Err(failed(format!("the daemon cannot be understood: {error}"))),
    }
}

/// The result of a dead-letter request.
pub(super) enum LettersDone {
    /// Dead letters were retried.
    Retried(Retried),
    /// Dead letters were dropped; their number.
    Forgotten(u64),
}

/// Requests the daemon to retry or drop dead letters.
pub(super) async fn dead_letters(stream: UnixStream, request: DeadLettersMessage) -> Result<LettersDone, Refusal> {
    tracing::info!("{ASKED}");
    let failed = |words: String| (ExitCode::Failed, words);
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let understood = |error: io::Error| failed(format!("the daemon cannot be understood: {error}"));
    daemon::write_line(&mut write, &Envelope::of(Request::DeadLetters(request))).await.map_err(understood)?;
    let mut kept = Vec::new();
    loop {
        match daemon::read_line::<Reply>(&mut read, MAX_LINE_BYTES).await.map_err(understood)? {
            Some(Reply::Kept(letter)) => kept.push(letter.into()),
            Some(Reply::Retried { letters, events }) => return Ok(LettersDone::Retried(Retried { letters, events, kept })),
            Some(Reply::Forgotten { letters }) => return Ok(LettersDone::Forgotten(letters)),
            Some(Reply::Refused { exit_code, message }) => return Err((ExitCode::of_number(exit_code), message)),
            _ => return Err(failed("the daemon went away before it was done: `s3-sync dead-letters list` tells what is left".to_owned())),
        }
    }
}

/// Requests a run and follows it. Returns the last line of the daemon.
async fn follow(stream: UnixStream, run: RunMessage, settings: &Settings) -> io::Result<Option<Reply>> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    daemon::write_line(&mut write, &Envelope::of(Request::Run(run))).await?;
    let progress_seen = Arc::new(Mutex::new(RunProgress::default()));
    let shown = progress_seen.clone();
    let bar = progress::show(move || *shown.lock().unwrap_or_else(PoisonError::into_inner), settings.log.no_color);
    let last = loop {
        match daemon::read_line::<Reply>(&mut read, MAX_LINE_BYTES).await {
            Ok(Some(Reply::Accepted)) => {}
            Ok(Some(Reply::Progress(progress))) => *progress_seen.lock().unwrap_or_else(PoisonError::into_inner) = progress,
            other => break other,
        }
    };
    bar.end();
    last
}
