//! The server of the control socket: one task per client, with a limit. A client that disconnects does not affect its run.

use super::dead_letter_messages::{DeadLettersAction, DeadLettersMessage};
use super::protocol::{ClientIdentity, Envelope, Reply, Request, RunMessage, VERSION, read_line, write_line};
use super::{RunHandle, RunPhase, RunProgress, RunResult, Shared, backlog};
use crate::events::dead_letters::Retried;
use crate::state::Identity;
use serde::Deserialize;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, timeout};

/// The maximum number of concurrent clients. More of them wait in the socket's queue.
const MAX_CLIENTS: usize = 64;
/// The maximum number of clients that wait for a run, which can take hours. The other connections stay free for `status` and `health`.
const MAX_FOLLOWERS: usize = 48;
/// The maximum size of a request line.
const MAX_REQUEST_BYTES: u64 = 64 << 10;
/// The time limit for reading a request and for writing a line.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time between two progress lines.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);
/// The pause after a failed accept, for example if no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the daemon stops. After that it waits until the connected clients have their replies.
pub(super) async fn serve(listener: UnixListener, shared: Shared, identity: Arc<Identity>) {
    let mut clients = JoinSet::new();
    let follower_permits = Arc::new(Semaphore::new(MAX_FOLLOWERS));
    loop {
        tokio::select! {
            () = shared.stop_signal.stopped() => break,
            Some(ended) = clients.join_next() => if let Err(error) = ended && error.is_panic() {
                std::panic::resume_unwind(error.into_panic());
            },
            accepted = listener.accept(), if clients.len() < MAX_CLIENTS => match accepted {
                Ok((stream, _)) => {
                    clients.spawn(client(stream, shared.clone(), identity.clone(), follower_permits.clone()));
                }
                Err(error) => {
                    tracing::warn!("the control socket cannot accept a client: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    while clients.join_next().await.is_some() {}
}

async fn client(stream: UnixStream, shared: Shared, identity: Arc<Identity>, follower_permits: Arc<Semaphore>) {
    let (read, write) = stream.into_split();
    if let Err(error) = (Client { read: BufReader::new(read), write }).handle(&shared, &identity, &follower_permits).await {
        tracing::debug!("a client of the control socket: {error}");
    }
}

/// The version alone. It is parsed first, because a request of another version may have other fields.
#[derive(Deserialize)]
struct VersionOnly {
    protocol: u32,
}

struct Client {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Client {
    async fn handle(mut self, shared: &Shared, identity: &Identity, follower_permits: &Semaphore) -> io::Result<()> {
        let asked = timeout(CLIENT_TIMEOUT, read_line::<serde_json::Value>(&mut self.read, MAX_REQUEST_BYTES)).await?;
        let asked = match asked {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(()),
            Err(error) => return self.refuse(2, format!("a request that cannot be read: {error}")).await,
        };
        match serde_json::from_value::<VersionOnly>(asked.clone()) {
            Ok(VersionOnly { protocol: VERSION }) => {}
            Ok(VersionOnly { protocol }) => {
                let message =
                    format!("the daemon speaks version {VERSION} of its protocol, and was asked in {protocol}: use the same program");
                return self.refuse(1, message).await;
            }
            Err(error) => return self.refuse(2, format!("a request without a version: {error}")).await,
        }
        match serde_json::from_value::<Envelope>(asked).map(|envelope| envelope.request) {
            Ok(Request::Run(run)) => self.run(&run, shared, identity, follower_permits).await,
            Ok(Request::DeadLetters(request)) => self.dead_letters(&request, shared, identity).await,
            Ok(Request::Health | Request::Status) => self.send(&Reply::Status(Box::new(shared.tasks.status()))).await,
            Err(error) => self.refuse(2, format!("an unknown request: {error}")).await,
        }
    }

    async fn run(mut self, run: &RunMessage, shared: &Shared, identity: &Identity, follower_permits: &Semaphore) -> io::Result<()> {
        if let Some(message) = identity_mismatch(&run.identity, identity) {
            return self.refuse(2, message).await;
        }
        let Some(request) = run.to_request() else { return self.refuse(2, "an unknown kind of run or answer".to_owned()).await };
        let Ok(_permit) = follower_permits.try_acquire() else {
            return self.refuse(1, format!("{MAX_FOLLOWERS} clients wait for runs already: try again later")).await;
        };
        match shared.run_queue.submit(request) {
            Ok(handle) => {
                self.send(&Reply::Accepted).await?;
                self.follow(handle).await
            }
            Err(error) => self.refuse(1, error.to_string()).await,
        }
    }

    /// Sends the progress of a run until the run has ended or the client has disconnected.
    async fn follow(mut self, mut handle: RunHandle) -> io::Result<()> {
        let mut interval = tokio::time::interval(PROGRESS_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sent = None;
        loop {
            match handle.phase() {
                RunPhase::Waiting => {}
                RunPhase::Running(counters) => {
                    let progress = RunProgress::of(&counters.totals());
                    if sent.replace(progress) != Some(progress) {
                        self.send(&Reply::Progress(progress)).await?;
                    }
                }
                RunPhase::Ended(run_result) => return self.ended(&run_result).await,
            }
            let mut more = [0];
            tokio::select! {
                further = handle.changed() => if !further {
                    return self.refuse(1, "the daemon stopped before the run ended".to_owned()).await;
                },
                _ = interval.tick() => {}
                read = self.read.read(&mut more) => if read? == 0 { return Ok(()) },
            }
        }
    }

    /// Retries or drops dead letters. Needs no run: each dead letter is one transaction, and the next run finds the decoded events in the
    /// inbox.
    async fn dead_letters(mut self, request: &DeadLettersMessage, shared: &Shared, identity: &Identity) -> io::Result<()> {
        if let Some(message) = identity_mismatch(&request.identity, identity) {
            return self.refuse(2, message).await;
        }
        match request.action {
            DeadLettersAction::Retry => {
                let retried = shared.worker.retry_dead_letters(request.which()).await;
                backlog::record_dead_letters(shared).await;
                match retried {
                    Ok(retried) => self.retried(retried, shared).await,
                    Err(message) => self.refuse(1, message).await,
                }
            }
            DeadLettersAction::Drop => {
                let dropped = shared.worker.drop_dead_letters(request.which()).await;
                backlog::record_dead_letters(shared).await;
                match dropped {
                    Ok(letters) => self.send(&Reply::Forgotten { letters }).await,
                    Err(message) => self.refuse(1, message).await,
                }
            }
        }
    }

    async fn retried(&mut self, Retried { letters, events, kept }: Retried, shared: &Shared) -> io::Result<()> {
        if events > 0 {
            shared.wake.call();
        }
        for kept in kept {
            self.send(&Reply::Kept(kept.into())).await?;
        }
        self.send(&Reply::Retried { letters, events }).await
    }

    async fn ended(&mut self, run_result: &RunResult) -> io::Result<()> {
        match run_result {
            RunResult::Ended { exit_code, report, .. } => self.send(&Reply::Ended { exit_code: *exit_code, report: report.clone() }).await,
            RunResult::NotRun { exit_code, message } => self.refuse(*exit_code, message.clone()).await,
        }
    }

    async fn refuse(&mut self, exit_code: u8, message: String) -> io::Result<()> {
        self.send(&Reply::Refused { exit_code, message }).await
    }

    async fn send(&mut self, reply: &Reply) -> io::Result<()> {
        timeout(CLIENT_TIMEOUT, write_line(&mut self.write, reply)).await?
    }
}

/// Describes the differences between the bucket and sinks of the client and those of this daemon; `None` = they agree.
fn identity_mismatch(asked: &ClientIdentity, identity: &Identity) -> Option<String> {
    let source = asked.source.as_ref().map(|asked| ("source".to_owned(), Some(&identity.source), asked));
    let sinks = asked.sinks.iter().map(|(name, asked)| {
        let own = identity.sinks.iter().find(|own| own.name == *name);
        (format!("sink {name}"), own.map(|own| &own.address), asked)
    });
    let differ: Vec<_> = source
        .into_iter()
        .chain(sinks)
        .filter(|(_, own, asked)| *own != Some(*asked))
        .map(|(what, own, asked)| match own {
            Some(own) => format!("the running daemon works with the {what} {own}, this command names {}", asked.escape_debug()),
            None => format!("the running daemon has no {what}, this command names {}", asked.escape_debug()),
        })
        .collect();
    (!differ.is_empty()).then(|| format!("{}: correct the settings, or start the daemon with these", differ.join("; ")))
}
