//! `dead-letters`: lists, retries or drops dead letters. `events::dead_letters` implements the actions.

use crate::app::outcome::{Refusal, state_refusal};
use crate::app::{ExitCode, endpoints};
use crate::cli::args::{DeadLettersCommand as Action, WhichLetters};
use crate::cli::daemon_client::{self, LettersDone};
use crate::cli::failure::fail;
use crate::cli::{Interruption, Output};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Settings;
use crate::daemon::{DeadLettersAction, DeadLettersMessage};
use crate::events::dead_letters::{self, DeadLetterError, Kept, Which};
use crate::events::decode::Scope;
use crate::record::Escaped;
use crate::state::{DeadLetter, InstanceLock, State, StateError, Views};
use serde::Serialize;
use std::fmt;
use std::io::Write;
use tokio::net::UnixStream;

/// The number of dead letters in one read.
const PAGE_LETTERS: usize = 100;

/// The number of bytes of a message that are shown.
const SHOWN_BYTES: usize = 200;

/// `list`
#[derive(Debug, Serialize)]
struct Letters {
    dead_letters: Vec<Letter>,
}

#[derive(Debug, Serialize)]
struct Letter {
    id: i64,
    /// `feed`, `sqs`, `webhook`.
    source: &'static str,
    reason: String,
    message: String,
    received_at: String,
    /// The length of the message.
    bytes: u64,
    /// The beginning of the message, or the event, escaped for display.
    excerpt: String,
}

/// `retry`
#[derive(Debug, Serialize)]
struct Retried {
    letters: u64,
    events: u64,
    kept: Vec<KeptLetter>,
}

#[derive(Debug, Serialize)]
struct KeptLetter {
    id: i64,
    reason: String,
    message: String,
}

/// `drop`
#[derive(Debug, Serialize)]
struct Dropped {
    dropped: u64,
}

/// The error of the command.
enum CommandError {
    State(StateError),
    Other(ExitCode, String),
}

/// The process that executes the request.
enum Opened {
    /// This process, which has locked the state.
    Here(Box<State>, InstanceLock),
    /// The daemon that has locked the state.
    Daemon(UnixStream),
}

/// Runs the command. The exit code is 0 if the request was executed, and 3 if dead letters still cannot be decoded.
pub(crate) async fn run<W: Write>(action: Action, settings: &Settings, output: &mut Output<W>, interruption: &Interruption) -> ExitCode {
    let done = async {
        match action {
            Action::List => list(settings, output).await,
            Action::Retry(letters) => retry(&letters, settings, output).await,
            Action::Drop(letters) => drop_letters(&letters, settings, output).await,
        }
    };
    let stop_signal = interruption.stop_signal();
    let done = tokio::select! {
        done = done => done,
        () = stop_signal.stopped() => return interruption.code().unwrap_or(ExitCode::Failed),
    };
    match done {
        Ok(code) => code,
        Err(CommandError::State(error)) => {
            let (code, message) = state_refusal(error, &settings.database_path);
            fail(code, message)
        }
        Err(CommandError::Other(code, message)) => fail(code, message),
    }
}

async fn list<W: Write>(settings: &Settings, output: &mut Output<W>) -> Result<ExitCode, CommandError> {
    let mut letters = Letters { dead_letters: Vec::new() };
    loop {
        let after = letters.dead_letters.last().map_or(0, |letter| letter.id);
        let page = Views::open(&settings.database_path).dead_letters(after, PAGE_LETTERS).await?;
        if page.is_empty() {
            break;
        }
        letters.dead_letters.extend(page.into_iter().map(Letter::from));
    }
    print(output, &letters)?;
    Ok(ExitCode::Done)
}

async fn retry<W: Write>(letters: &WhichLetters, settings: &Settings, output: &mut Output<W>) -> Result<ExitCode, CommandError> {
    let bucket = settings.require_bucket().map_err(|error| CommandError::Other(ExitCode::Usage, error.to_string()))?;
    let scope = Scope::new(bucket, &settings.source.prefix);
    let retried = match open(settings).await? {
        Opened::Here(state, _lock) => dead_letters::retry(&state, &scope, which(letters), SystemClock.now()).await?,
        Opened::Daemon(stream) => match daemon_client::dead_letters(stream, message_of(DeadLettersAction::Retry, letters, settings)).await?
        {
            LettersDone::Retried(retried) => retried,
            LettersDone::Forgotten(_) => return Err(unexpected_reply()),
        },
    };
    let dead_letters::Retried { letters: gone, events, kept } = retried;
    let kept: Vec<_> = kept.into_iter().map(|Kept { id, reason, message }| KeptLetter { id, reason, message }).collect();
    let code = if kept.is_empty() { ExitCode::Done } else { ExitCode::SomeFailed };
    print(output, &Retried { letters: gone, events, kept })?;
    Ok(code)
}

async fn drop_letters<W: Write>(letters: &WhichLetters, settings: &Settings, output: &mut Output<W>) -> Result<ExitCode, CommandError> {
    let dropped = match open(settings).await? {
        Opened::Here(state, _lock) => dead_letters::delete(&state, which(letters)).await?,
        Opened::Daemon(stream) => {
            match daemon_client::dead_letters(stream, message_of(DeadLettersAction::Drop, letters, settings)).await? {
                LettersDone::Forgotten(dropped) => dropped,
                LettersDone::Retried(_) => return Err(unexpected_reply()),
            }
        }
    };
    print(output, &Dropped { dropped })?;
    Ok(ExitCode::Done)
}

/// Opens the state, or connects to the daemon that has locked it. Never creates a database: only the syncs do.
async fn open(settings: &Settings) -> Result<Opened, CommandError> {
    let database = &settings.database_path;
    Views::open(database).check_migratable()?;
    let lock = match InstanceLock::take(database, "dead-letters") {
        Ok(lock) => lock,
        Err(StateError::Held(holder)) => {
            let daemon = daemon_client::daemon_of(database, &holder).await;
            return daemon.map(Opened::Daemon).ok_or(CommandError::State(StateError::Held(holder)));
        }
        Err(error) => return Err(error.into()),
    };
    let state = State::open(database).await?;
    Ok(Opened::Here(Box::new(state), lock))
}

fn message_of(action: DeadLettersAction, letters: &WhichLetters, settings: &Settings) -> DeadLettersMessage {
    DeadLettersMessage { action, id: letters.id, identity: endpoints::client_identity(settings) }
}

fn unexpected_reply() -> CommandError {
    CommandError::Other(ExitCode::Failed, "the daemon answered something else than it was asked".to_owned())
}

fn which(letters: &WhichLetters) -> Which {
    letters.id.map_or(Which::All, Which::One)
}

fn print<W: Write, R: fmt::Display + Serialize>(output: &mut Output<W>, result: &R) -> Result<(), CommandError> {
    output.print(result).map_err(|error| CommandError::Other(ExitCode::Failed, format!("the result cannot be printed: {error}")))
}

impl From<StateError> for CommandError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<DeadLetterError> for CommandError {
    fn from(error: DeadLetterError) -> Self {
        match error {
            DeadLetterError::State(error) => Self::State(error),
            DeadLetterError::NoSuch(_) => Self::Other(ExitCode::Failed, error.to_string()),
        }
    }
}

impl From<Refusal> for CommandError {
    fn from((code, message): Refusal) -> Self {
        Self::Other(code, message)
    }
}

impl From<DeadLetter> for Letter {
    fn from(letter: DeadLetter) -> Self {
        let text = match &letter.event {
            Some(event) => format!("{} {}", event.kind.as_str(), event.path.as_str()),
            None => String::from_utf8_lossy(&letter.raw[..letter.raw.len().min(SHOWN_BYTES)]).into_owned(),
        };
        let DeadLetter { id, source, reason, message, received_at, raw_bytes, .. } = letter;
        let (received_at, excerpt) = (received_at.to_string(), Escaped(&text).to_string());
        Self { id, source: source.as_str(), reason, message, received_at, bytes: raw_bytes, excerpt }
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dead_letters.is_empty() {
            return f.write_str("no dead letters");
        }
        for (index, letter) in self.dead_letters.iter().enumerate() {
            let line_break = if index > 0 { "\n" } else { "" };
            let Letter { id, source, reason, message, received_at, excerpt, .. } = letter;
            write!(f, "{line_break}{id:<6} {received_at} {source} {reason}: {message}\n       {excerpt}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { letters, events, kept } = self;
        write!(f, "tried again: {letters} can be used now, and came to {events} events; {} stay", kept.len())?;
        kept.iter().try_for_each(|KeptLetter { id, reason, message }| write!(f, "\n{id:<6} {reason}: {message}"))
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "forgotten: {}", self.dropped)
    }
}
