//! Speaking to the running daemon: asking it for a run, following that run, asking how it is.

use super::run::fail;
use super::{ExitCode, Interruption, Output, doors, progress};
use crate::config::Settings;
use crate::daemon::{self, Ask, Identified, LINE_BYTES_MOST, Order, Progress, Reply, Request, RunRequest, ServiceStatus};
use crate::state::Holder;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

/// The command under which a daemon holds the lock.
pub(super) const DAEMON: &str = "daemon";
/// A daemon that has the lock opens its socket soon; so long it is waited for.
const OPENS_WITHIN: Duration = Duration::from_secs(2);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
/// How long the daemon may take to say how it is.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The connection to the daemon that holds the lock; `None` = whoever holds it is no daemon, or does not answer.
pub(super) async fn daemon_of(database: &Path, holder: &Holder) -> Option<UnixStream> {
    let give_up = Instant::now() + OPENS_WITHIN;
    loop {
        match daemon::connect(database).await {
            Ok(stream) => return Some(stream),
            Err(_) if holder.command == DAEMON && Instant::now() < give_up => sleep(BETWEEN_TRIES).await,
            Err(_) => return None,
        }
    }
}

/// How the daemon of a database is; an error says why nobody knows.
pub(super) async fn status(database: &Path) -> Result<ServiceStatus, String> {
    let asked = timeout(ANSWERS_WITHIN, async {
        let mut stream = daemon::connect(database).await?;
        daemon::write_line(&mut stream, &Ask::of(Request::Status)).await?;
        daemon::read_line::<Reply>(&mut BufReader::new(stream), LINE_BYTES_MOST).await
    });
    match asked.await {
        Ok(Ok(Some(Reply::Status(status)))) => Ok(*status),
        Ok(Ok(Some(Reply::Refused { message, .. }))) => Err(message),
        Ok(Ok(_)) => Err("the daemon gave no answer".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", ANSWERS_WITHIN.as_secs())),
    }
}

/// Has the daemon run an order, shows how far it is, prints its report.
pub(super) async fn carry_out<W: Write>(
    stream: UnixStream,
    order: Order,
    settings: &Settings,
    (output, interruption): (&mut Output<W>, &Interruption),
) -> ExitCode {
    let identity = match (settings.require_bucket(), settings.require_file_manager()) {
        (Ok(bucket), Ok(file_manager)) => doors::identity(settings, bucket, file_manager),
        (Err(error), _) | (_, Err(error)) => return fail(ExitCode::Usage, error),
    };
    let identity = Identified { source: identity.source, file_manager: identity.file_manager };
    tracing::info!("the running daemon is asked for it");
    let halt = interruption.halt();
    let followed = tokio::select! {
        followed = follow(stream, RunRequest::of(order, identity), settings) => followed,
        () = halt.stopped() => {
            return fail(interruption.code().unwrap_or(ExitCode::Failed), "no longer waiting: the daemon goes on with the run");
        }
    };
    match followed {
        Ok(Some(Reply::Ended { exit_code, report })) => match output.print(&*report) {
            Ok(()) => ExitCode::of_number(exit_code),
            Err(error) => fail(ExitCode::Failed, format!("the result cannot be printed: {error}")),
        },
        Ok(Some(Reply::Refused { exit_code, message })) => fail(ExitCode::of_number(exit_code), message),
        Ok(_) => fail(ExitCode::Failed, "the daemon went away before the run came to its end: `s3-sync status` tells more"),
        Err(error) => fail(ExitCode::Failed, format!("the daemon cannot be understood: {error}")),
    }
}

/// The last line that the daemon has to say about a run.
async fn follow(stream: UnixStream, run: RunRequest, settings: &Settings) -> io::Result<Option<Reply>> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    daemon::write_line(&mut write, &Ask::of(Request::Run(run))).await?;
    let told = Arc::new(Mutex::new(Progress::default()));
    let shown = told.clone();
    let bar = progress::show(move || *shown.lock().unwrap_or_else(PoisonError::into_inner), settings.log.no_color);
    let last = loop {
        match daemon::read_line::<Reply>(&mut read, LINE_BYTES_MOST).await {
            Ok(Some(Reply::Accepted)) => {}
            Ok(Some(Reply::Progress(progress))) => *told.lock().unwrap_or_else(PoisonError::into_inner) = progress,
            other => break other,
        }
    };
    bar.end();
    last
}
