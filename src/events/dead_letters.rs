//! Dead letters: decodes them again or deletes them on the operator's request. `state` stores them.

use super::decode::{self, Scope};
use super::receive::notified;
use crate::record::{Event, EventChannel};
use crate::state::{DeadLetter, Received, State, StateError};
use jiff::Timestamp;

/// The number of dead letters in memory at a time.
const PAGE_DEAD_LETTERS: usize = 100;

/// The dead letters that a request concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The dead letter with this id.
    One(i64),
    /// All dead letters.
    All,
}

/// The error of a request.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// No dead letter has this id.
    #[error("there is no dead letter {0}: `s3-sync dead-letters list` shows them")]
    NoSuch(i64),
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The result of decoding dead letters again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// The number of dead letters that were decoded and removed.
    pub letters: u64,
    /// The number of their events, which are in the inbox now. A dead letter has none if all of its events are ignored.
    pub events: u64,
    /// Dead letters that stay, with their reasons.
    pub kept: Vec<Kept>,
}

/// A dead letter that still cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: i64,
    /// A short, stable name of the reason.
    pub reason: String,
    /// A sentence for people, escaped for display.
    pub message: String,
}

/// Decodes dead letters again, with the current settings and program, and stores their events in the inbox.
pub async fn retry(state: &State, scope: &Scope, which: Which, now: Timestamp) -> Result<Retried, DeadLetterError> {
    let mut retried = Retried::default();
    match which {
        Which::One(id) => match state.inbox().dead_letter(id).await? {
            Some(letter) => retry_one(state, scope, letter, &mut retried, now).await?,
            None => return Err(DeadLetterError::NoSuch(id)),
        },
        Which::All => {
            let mut after = 0;
            loop {
                let letters = state.inbox().dead_letters(after, PAGE_DEAD_LETTERS).await?;
                let Some(last) = letters.last() else { break };
                after = last.id;
                for letter in letters {
                    retry_one(state, scope, letter, &mut retried, now).await?;
                }
            }
        }
    }
    Ok(retried)
}

/// Deletes dead letters and returns their number.
pub async fn delete(state: &State, which: Which) -> Result<u64, DeadLetterError> {
    if let Which::One(id) = which {
        return if state.inbox().dead_letter_drop(id).await? { Ok(1) } else { Err(DeadLetterError::NoSuch(id)) };
    }
    let mut deleted = 0;
    loop {
        let letters = state.inbox().dead_letters(0, PAGE_DEAD_LETTERS).await?;
        if letters.is_empty() {
            return Ok(deleted);
        }
        for letter in letters {
            deleted += u64::from(state.inbox().dead_letter_drop(letter.id).await?);
        }
    }
}

async fn retry_one(state: &State, scope: &Scope, letter: DeadLetter, retried: &mut Retried, now: Timestamp) -> Result<(), StateError> {
    let (id, source) = (letter.id, letter.source);
    match decoded(letter, scope) {
        Ok(events) => {
            let batch = events.into_iter().map(|event| Received { source, outcome: Ok(event) }).collect();
            if let Some(counts) = state.inbox().dead_letter_replace(id, batch, now).await? {
                retried.letters += 1;
                retried.events += counts.events;
            }
        }
        Err((reason, message)) => retried.kept.push(Kept { id, reason, message }),
    }
    Ok(())
}

/// The events of a dead letter, or why it still cannot be decoded.
fn decoded(letter: DeadLetter, scope: &Scope) -> Result<Vec<Event>, (String, String)> {
    if let Some(event) = letter.event {
        return Ok(vec![event]);
    }
    if !letter.is_whole() {
        return Err((letter.reason, format!("only the beginning of its {} bytes is kept", letter.raw_bytes)));
    }
    if letter.source == EventChannel::Feed {
        let event = decode::feed_event(&letter.raw, scope).outcome;
        return event.map(|event| event.into_iter().collect()).map_err(|error| (error.reason().to_owned(), error.to_string()));
    }
    let batch = notified(letter.source, &letter.raw, scope).batch;
    let outcomes = batch.into_iter().map(|received| received.outcome);
    outcomes.collect::<Result<_, _>>().map_err(|poisoned| (poisoned.reason, poisoned.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    fn record(bucket: &str, key: &str) -> String {
        format!(r#"{{"eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}"}}}}}}"#)
    }

    fn arrived(source: EventChannel, message: &str) -> Vec<Received> {
        let old = Scope::new("old", "");
        match source {
            EventChannel::Feed => {
                let error = decode::feed_event(message.as_bytes(), &old).outcome.expect_err("undecodable");
                vec![Received { source, outcome: Err(super::super::receive::dead_letter(&error, message.as_bytes().to_vec())) }]
            }
            _ => notified(source, message.as_bytes(), &old).batch,
        }
    }

    async fn with(messages: &[(EventChannel, &str)]) -> (State, tempfile::TempDir) {
        let directory = tempfile::tempdir().expect("a directory");
        let state = State::open(&directory.path().join("sync.db")).await.expect("a state");
        for (source, message) in messages {
            state.inbox().receive(arrived(*source, message), Timestamp::UNIX_EPOCH).await.expect("stored");
        }
        (state, directory)
    }

    async fn waiting(state: &State) -> Vec<String> {
        let rows = state.inbox().events_batch(0, 100).await.expect("read");
        rows.into_iter().map(|row| format!("{} {}", row.source, row.event.path)).collect()
    }

    #[tokio::test]
    async fn a_replay_moves_decodable_dead_letters_to_the_inbox_and_keeps_the_others() {
        let long = format!("{{{}", " ".repeat(crate::state::MAX_RAW_BYTES));
        let ours = record("new", "a");
        let messages = [
            (EventChannel::Sqs, ours.as_str()),
            (EventChannel::Webhook, "{"),
            (EventChannel::Feed, r#"{"event_type":"explode"}"#),
            (EventChannel::Sqs, long.as_str()),
        ];
        let (state, _directory) = with(&messages).await;
        let retried = retry(&state, &Scope::new("new", ""), Which::All, Timestamp::UNIX_EPOCH).await.expect("tried");
        let kept: Vec<_> = retried.kept.iter().map(|kept| (kept.id, kept.reason.as_str())).collect();
        assert_eq!((retried.letters, retried.events), (1, 1));
        assert_eq!(kept, [(2, "bad_json"), (3, "unknown_type"), (4, "bad_json")]);
        assert!(retried.kept[2].message.contains("only the beginning"), "{:?}", retried.kept);
        assert_eq!(waiting(&state).await, ["sqs a"]);
        assert_eq!(delete(&state, Which::One(2)).await.expect("deleted"), 1);
        assert!(matches!(delete(&state, Which::One(2)).await, Err(DeadLetterError::NoSuch(2))));
        assert_eq!(delete(&state, Which::All).await.expect("deleted"), 2);
        assert_eq!(state.inbox().dead_letters_len().await.expect("counted"), 0);
        let missing = retry(&state, &Scope::new("new", ""), Which::One(1), Timestamp::UNIX_EPOCH).await;
        assert!(matches!(missing, Err(DeadLetterError::NoSuch(1))), "{missing:?}");
    }

    #[tokio::test]
    async fn a_dead_letter_whose_replay_failed_is_replayed_from_the_start() {
        let ours = record("old", "a");
        let (state, _directory) = with(&[(EventChannel::Sqs, &ours)]).await;
        let row = state.inbox().events_batch(0, 1).await.expect("read").remove(0);
        state.inbox().event_dead_letter(row, "denied".to_owned(), "no right".to_owned()).await.expect("dead-lettered");
        let dead_letter = state.inbox().dead_letters(0, 1).await.expect("read").remove(0);
        let retried = retry(&state, &Scope::new("old", ""), Which::One(dead_letter.id), Timestamp::UNIX_EPOCH).await.expect("tried");
        assert_eq!(retried, Retried { letters: 1, events: 1, kept: vec![] });
        assert_eq!(
            (waiting(&state).await, state.inbox().events_batch(0, 1).await.expect("read")[0].failures),
            (vec!["sqs a".to_owned()], 0)
        );
    }
}
