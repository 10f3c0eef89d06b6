//! What is said over the control socket: one JSON object a line, the client first. A version stands in every request, so that two
//! programs of different age refuse each other in words instead of misunderstanding each other.

use super::{DeadLettersMessage, KeptDeadLetter, RunRequest, ServiceStatus};
use crate::apply::Totals;
use crate::report::Report;
use crate::state::{Answer, RunKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Of this protocol. It changes with the meaning of what is below, and with the report.
pub const VERSION: u32 = 1;
/// No line is longer: a report tells of at most a hundred failures.
pub const MAX_LINE_BYTES: u64 = 4 << 20;

/// The client's only line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`VERSION`]
    pub protocol: u32,
    /// What is wanted.
    #[serde(flatten)]
    pub request: Request,
}

impl Envelope {
    /// In this program's own version.
    pub fn of(request: Request) -> Self {
        Self { protocol: VERSION, request }
    }
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// A run that begins after this request.
    Run(RunMessage),
    /// Dead letters, tried again or forgotten.
    DeadLetters(DeadLettersMessage),
    /// In one word, how the service is.
    Health,
    /// Everything about the daemon.
    Status,
}

/// A run, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMessage {
    /// `initial`, `incremental` or `reconcile`.
    pub kind: String,
    /// See `--allow-deletes`.
    pub allow_deletes: Option<u64>,
    /// See `--adopt` and those beside it.
    #[serde(default)]
    pub answers: Vec<String>,
    /// What whoever asks means by the state.
    pub identity: ClientIdentity,
}

/// What a state describes, by the settings of whoever asks. What these do not name, they have no opinion on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientIdentity {
    /// Endpoint, bucket and prefix.
    pub source: Option<String>,
    /// The file manager's address.
    pub file_manager: Option<String>,
}

/// The daemon's lines: of a run several, and one for each letter that stays; of anything else one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The run will come.
    Accepted,
    /// It is under way.
    Progress(Progress),
    /// It has ended: the last line.
    Ended {
        /// What a command that asked for it ends with.
        exit_code: u8,
        /// What it prints.
        report: Box<Report>,
    },
    /// A letter that was tried again cannot be used still.
    Kept(KeptDeadLetter),
    /// Letters were tried again: the last line.
    Retried {
        /// Letters that are none any more.
        letters: u64,
        /// The events that came of them.
        events: u64,
    },
    /// Letters were forgotten: the last line.
    Forgotten {
        /// How many.
        letters: u64,
    },
    /// It was not done, or nobody knows how it ended: the last line.
    Refused {
        /// What a command that asked for it ends with.
        exit_code: u8,
        /// Why.
        message: String,
    },
    /// Everything about the daemon; also the answer to `health`.
    Status(Box<ServiceStatus>),
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Files listed.
    pub listed: u64,
    /// Whether there are no more to list.
    pub listing_ended: bool,
    /// Operations in all, as far as they are known.
    pub to_do: u64,
    /// Operations done.
    pub done: u64,
    /// Operations that failed.
    pub failed: u64,
    /// Bytes sent.
    pub bytes: u64,
}

impl Progress {
    /// Of the counts of a run.
    pub fn of(totals: &Totals) -> Self {
        Self {
            listed: totals.listed.files,
            listing_ended: totals.listing_ended,
            to_do: totals.to_do(),
            done: totals.done(),
            failed: totals.failed(),
            bytes: totals.bytes,
        }
    }
}

const ADOPT: &str = "adopt";
const NEW_SOURCE: &str = "new_source";
const NEW_FILE_MANAGER: &str = "new_file_manager";
const RESTORED: &str = "restored";

impl RunMessage {
    /// An order in the words of the wire.
    pub fn of(request: RunRequest, identity: ClientIdentity) -> Self {
        let Answer { adopt, new_source, new_file_manager, restored } = request.answer;
        let said = [(adopt, ADOPT), (new_source, NEW_SOURCE), (new_file_manager, NEW_FILE_MANAGER), (restored, RESTORED)];
        Self {
            kind: request.kind.as_str().to_owned(),
            allow_deletes: request.allow_deletes,
            answers: said.into_iter().filter(|(said, _)| *said).map(|(_, word)| word.to_owned()).collect(),
            identity,
        }
    }

    /// The order; `None` = a word that means nothing here.
    pub(super) fn to_request(&self) -> Option<RunRequest> {
        let kinds = [RunKind::Initial, RunKind::Incremental, RunKind::Reconcile];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == self.kind)?;
        let mut answer = Answer::default();
        for word in &self.answers {
            match word.as_str() {
                ADOPT => answer.adopt = true,
                NEW_SOURCE => answer.new_source = true,
                NEW_FILE_MANAGER => answer.new_file_manager = true,
                RESTORED => answer.restored = true,
                _ => return None,
            }
        }
        Some(RunRequest { allow_deletes: self.allow_deletes, answer, ..RunRequest::of(kind) })
    }
}

/// One line of at most so many bytes, as what it should be; `None` = the other side has gone.
pub async fn read_line<T: DeserializeOwned>(from: &mut (impl AsyncBufRead + Unpin), most: u64) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    let read = from.take(most).read_until(b'\n', &mut line).await?;
    if read == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line that is too long or was cut off"));
    }
    serde_json::from_slice(&line).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

/// One line.
pub async fn write_line(to: &mut (impl AsyncWrite + Unpin), what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_object_and_comes_back_as_it_went() {
        let answer = Answer { adopt: true, restored: true, ..Answer::default() };
        let request = RunRequest { allow_deletes: Some(7), answer, ..RunRequest::of(RunKind::Reconcile) };
        let identity = ClientIdentity { source: Some("s".to_owned()), file_manager: Some("f".to_owned()) };
        let envelope = Envelope::of(Request::Run(RunMessage::of(request, identity)));
        let text = serde_json::to_string(&envelope).expect("JSON");
        assert_eq!(
            text,
            r#"{"protocol":1,"request":"run","kind":"reconcile","allow_deletes":7,"answers":["adopt","restored"],"identity":{"source":"s","file_manager":"f"}}"#
        );
        let back: Envelope = serde_json::from_str(&text).expect("JSON");
        let Request::Run(run) = back.request else { panic!("{back:?}") };
        assert_eq!(run.to_request(), Some(request));
        assert_eq!(RunMessage { kind: "nonsense".to_owned(), ..run.clone() }.to_request(), None);
        assert_eq!(RunMessage { answers: vec!["nonsense".to_owned()], ..run }.to_request(), None);
    }

    #[tokio::test]
    async fn a_line_is_bounded_and_must_be_whole() {
        let read = async |text: &str| read_line::<Envelope>(&mut text.as_bytes(), 60).await.map_err(|error| error.to_string());
        assert_eq!(read("{\"protocol\":1,\"request\":\"health\"}\n").await, Ok(Some(Envelope::of(Request::Health))));
        assert_eq!(read("").await, Ok(None));
        for wrong in ["{\"protocol\":1,\"request\":\"health\"}", &format!("{}\n", " ".repeat(60)), "{\"protocol\":1}\n"] {
            assert!(read(wrong).await.is_err(), "{wrong:?}");
        }
    }
}
