//! `dead-letters`: events that could not be used, told, tried again or forgotten. What trying means is the events' concern.

use super::args::{DeadLettersAction as Action, WhichLetters};
use super::run::{fail, of_state};
use super::{ExitCode, Output};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Settings;
use crate::events::dead_letters::{self, Kept, Which};
use crate::events::decode::Scope;
use crate::plan::Limits;
use crate::record::Escaped;
use crate::state::{DeadLetter, InstanceLock, State, StateError};
use serde::Serialize;
use std::fmt;
use std::io::Write;

/// As many are read at once.
const PAGE_LETTERS: usize = 100;

/// Of what arrived, as much is shown.
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
    /// The length of what arrived.
    bytes: u64,
    /// Its beginning, or the event, escaped for display.
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

/// Why the command ends early.
enum Trouble {
    State(StateError),
    Other(ExitCode, String),
}

impl From<StateError> for Trouble {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// Runs the command: 0 when what was asked for was done, 3 when letters that were tried again stay.
pub(super) async fn run<W: Write>(action: Action, settings: &Settings, output: &mut Output<W>) -> ExitCode {
    let done = match action {
        Action::List => list(settings, output).await,
        Action::Retry(letters) => retry(&letters, settings, output).await,
        Action::Drop(letters) => forget(&letters, settings, output).await,
    };
    match done {
        Ok(code) => code,
        Err(Trouble::State(error)) => {
            let (code, message) = of_state(error, &settings.database_path);
            fail(code, message)
        }
        Err(Trouble::Other(code, message)) => fail(code, message),
    }
}

async fn list<W: Write>(settings: &Settings, output: &mut Output<W>) -> Result<ExitCode, Trouble> {
    let mut letters = Letters { dead_letters: Vec::new() };
    loop {
        let after = letters.dead_letters.last().map_or(0, |letter| letter.id);
        let page = DeadLetter::read_after(&settings.database_path, after, PAGE_LETTERS).await?;
        if page.is_empty() {
            break;
        }
        letters.dead_letters.extend(page.into_iter().map(Letter::from));
    }
    print(output, &letters)?;
    Ok(ExitCode::Done)
}

async fn retry<W: Write>(letters: &WhichLetters, settings: &Settings, output: &mut Output<W>) -> Result<ExitCode, Trouble> {
    let bucket = settings.require_bucket().map_err(|error| Trouble::Other(ExitCode::Usage, error.to_string()))?;
    let scope = Scope::new(bucket, &settings.source.prefix);
    let (state, _lock) = open(settings).await?;
    let retried = dead_letters::retry(&state, &scope, which(letters), SystemClock.now()).await?;
    let Some(dead_letters::Retried { letters: gone, events, kept }) = retried else { return Err(none(letters)) };
    let kept: Vec<_> = kept.into_iter().map(|Kept { id, reason, message }| KeptLetter { id, reason, message }).collect();
    let code = if kept.is_empty() { ExitCode::Done } else { ExitCode::SomeFailed };
    print(output, &Retried { letters: gone, events, kept })?;
    Ok(code)
}

async fn forget<W: Write>(letters: &WhichLetters, settings: &Settings, output: &mut Output<W>) -> Result<ExitCode, Trouble> {
    let (state, _lock) = open(settings).await?;
    let dropped = dead_letters::forget(&state, which(letters)).await?;
    if dropped == 0 && !letters.all {
        return Err(none(letters));
    }
    print(output, &Dropped { dropped })?;
    Ok(ExitCode::Done)
}

/// Only a state that is there: no command but a sync makes one.
async fn open(settings: &Settings) -> Result<(State, InstanceLock), Trouble> {
    crate::state::can_be_read(&settings.database_path)?;
    let lock = InstanceLock::take(&settings.database_path, "dead-letters")?;
    let state = State::open(&settings.database_path, Limits { max_file_bytes: settings.max_file_bytes }).await?;
    Ok((state, lock))
}

fn which(letters: &WhichLetters) -> Which {
    letters.id.map_or(Which::All, Which::One)
}

fn none(letters: &WhichLetters) -> Trouble {
    let id = letters.id.unwrap_or_default();
    Trouble::Other(ExitCode::Failed, format!("there is no dead letter {id}: `s3-sync dead-letters list` shows them"))
}

fn print<W: Write, R: fmt::Display + Serialize>(output: &mut Output<W>, result: &R) -> Result<(), Trouble> {
    output.print(result).map_err(|error| Trouble::Other(ExitCode::Failed, format!("the result cannot be printed: {error}")))
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
