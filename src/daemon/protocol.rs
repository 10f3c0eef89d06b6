//! The protocol of the control socket: one JSON object per line; the client writes first. Every request carries a version, so that a daemon
//! of another version refuses it with a message.

use super::{DeadLettersMessage, KeptDeadLetter, RunRequest, ServiceStatus};
use crate::apply::RunTotals;
use crate::record::SinkName;
use crate::report::Report;
use crate::state::{OperatorAnswer, RunKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The protocol's version. A change of these messages or of the report needs a new version. Version 1 named one sink, the file manager: a
/// daemon that ignored the unknown field would have run for a client of other sinks.
pub const VERSION: u32 = 2;
/// The maximum size of a line. A report lists at most a hundred errors.
pub const MAX_LINE_BYTES: u64 = 4 << 20;

/// The only line that a client writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`VERSION`]
    pub protocol: u32,
    /// The request of a client.
    #[serde(flatten)]
    pub request: Request,
}

impl Envelope {
    /// A request with this program's version.
    pub fn of(request: Request) -> Self {
        Self { protocol: VERSION, request }
    }
}

/// The request of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Execute a run that begins after this request.
    Run(RunMessage),
    /// Retry or drop dead letters.
    DeadLetters(DeadLettersMessage),
    /// Send the health of the service.
    Health,
    /// Send the status of the daemon.
    Status,
}

/// A run request in the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMessage {
    /// `initial`, `incremental` or `reconcile`.
    pub kind: String,
    /// The value of `--allow-deletes`.
    pub allow_deletes: Option<u64>,
    /// The flags about the identity of the state, such as `adopt` and `new_sink:<name>`.
    #[serde(default)]
    pub answers: Vec<String>,
    /// The client's bucket and sinks.
    pub identity: ClientIdentity,
}

/// The bucket and the sinks of the client's settings. The daemon compares only the fields that are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientIdentity {
    /// Endpoint, bucket and prefix.
    pub source: Option<String>,
    /// The address of each sink, by its name.
    #[serde(default)]
    pub sinks: BTreeMap<SinkName, String>,
}

/// A line of the daemon: several for a run, one for each dead letter that stays, one for any other request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The run is queued.
    Accepted,
    /// The run is active; sent repeatedly.
    Progress(RunProgress),
    /// The run has ended. The last line.
    Ended {
        /// The command's exit code.
        exit_code: u8,
        /// The report that the command prints.
        report: Box<Report>,
    },
    /// A dead letter still cannot be decoded.
    Kept(KeptDeadLetter),
    /// Dead letters were retried. The last line.
    Retried {
        /// The number of dead letters that were decoded and removed.
        letters: u64,
        /// The number of events decoded from them.
        events: u64,
    },
    /// Dead letters were dropped. The last line.
    Forgotten {
        /// Their number.
        letters: u64,
    },
    /// The request was refused, or its result is unknown. The last line.
    Refused {
        /// The command's exit code.
        exit_code: u8,
        /// The reason, in a sentence.
        message: String,
    },
    /// The status of the daemon; also the reply to `health`.
    Status(Box<ServiceStatus>),
}

/// The progress of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProgress {
    /// Listed files.
    pub listed: u64,
    /// True if the listing has ended.
    pub listing_ended: bool,
    /// The number of operations known so far, done ones included.
    pub to_do: u64,
    /// Successful operations.
    pub done: u64,
    /// Failed operations.
    pub failed: u64,
    /// Bytes sent.
    pub bytes: u64,
}

impl RunProgress {
    /// The progress from the counters of a run.
    pub fn of(totals: &RunTotals) -> Self {
        Self {
            listed: totals.listed.files,
            listing_ended: totals.listing_ended,
            to_do: totals.to_do(),
            done: totals.done(),
            failed: totals.failed(),
            bytes: totals.sinks.values().map(|sink| sink.bytes).sum(),
        }
    }
}

const ADOPT: &str = "adopt";
const NEW_SOURCE: &str = "new_source";
/// Followed by the name of a sink.
const NEW_SINK: &str = "new_sink:";
const DROP_SINK: &str = "drop_sink:";
const RESTORED: &str = "restored";

impl RunMessage {
    /// Converts a request into its message.
    pub fn of(request: RunRequest, identity: ClientIdentity) -> Self {
        let OperatorAnswer { adopt, new_source, new_sinks, drop_sinks, restored } = request.answer;
        let flags = [(adopt, ADOPT), (new_source, NEW_SOURCE), (restored, RESTORED)];
        let flags = flags.into_iter().filter(|(given, _)| *given).map(|(_, word)| word.to_owned());
        let new_sinks = new_sinks.iter().map(|name| format!("{NEW_SINK}{name}"));
        let drop_sinks = drop_sinks.iter().map(|name| format!("{DROP_SINK}{name}"));
        Self {
            kind: request.kind.as_str().to_owned(),
            allow_deletes: request.allow_deletes,
            answers: flags.chain(new_sinks).chain(drop_sinks).collect(),
            identity,
        }
    }

    /// Converts the message into a request; `None` = it has an unknown word.
    pub(super) fn to_request(&self) -> Option<RunRequest> {
        let kinds = [RunKind::Initial, RunKind::Incremental, RunKind::Reconcile];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == self.kind)?;
        let mut answer = OperatorAnswer::default();
        for word in &self.answers {
            match word.as_str() {
                ADOPT => answer.adopt = true,
                NEW_SOURCE => answer.new_source = true,
                RESTORED => answer.restored = true,
                word => match (word.strip_prefix(NEW_SINK), word.strip_prefix(DROP_SINK)) {
                    (Some(name), _) => drop(answer.new_sinks.insert(name.parse().ok()?)),
                    (_, Some(name)) => drop(answer.drop_sinks.insert(name.parse().ok()?)),
                    (None, None) => return None,
                },
            }
        }
        Some(RunRequest { allow_deletes: self.allow_deletes, answer, ..RunRequest::of(kind) })
    }
}

/// Reads and parses one line of at most `most` bytes; `None` = the peer closed the connection.
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

/// Writes a value as one line of JSON.
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
    fn a_request_is_one_json_object_and_round_trips() {
        let new_sinks = [SinkName::file_manager()].into();
        let answer = OperatorAnswer { adopt: true, new_sinks, restored: true, ..OperatorAnswer::default() };
        let request = RunRequest { allow_deletes: Some(7), answer, ..RunRequest::of(RunKind::Reconcile) };
        let sinks = [(SinkName::file_manager(), "f".to_owned())].into();
        let identity = ClientIdentity { source: Some("s".to_owned()), sinks };
        let envelope = Envelope::of(Request::Run(RunMessage::of(request.clone(), identity)));
        let text = serde_json::to_string(&envelope).expect("JSON");
        assert_eq!(
            text,
            r#"{"protocol":2,"request":"run","kind":"reconcile","allow_deletes":7,"answers":["adopt","restored","new_sink:file_manager"],"identity":{"source":"s","sinks":{"file_manager":"f"}}}"#
        );
        let back: Envelope = serde_json::from_str(&text).expect("JSON");
        let Request::Run(run) = back.request else { panic!("{back:?}") };
        assert_eq!(run.to_request(), Some(request));
        assert_eq!(RunMessage { kind: "nonsense".to_owned(), ..run.clone() }.to_request(), None);
        for wrong in ["nonsense", "new_sink:", "new_sink:No Name", "drop_sink:"] {
            assert_eq!(RunMessage { answers: vec![wrong.to_owned()], ..run.clone() }.to_request(), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_line_is_bounded_and_must_be_complete() {
        let read = async |text: &str| read_line::<Envelope>(&mut text.as_bytes(), 60).await.map_err(|error| error.to_string());
        assert_eq!(read("{\"protocol\":2,\"request\":\"health\"}\n").await, Ok(Some(Envelope::of(Request::Health))));
        assert_eq!(read("").await, Ok(None));
        for wrong in ["{\"protocol\":2,\"request\":\"health\"}", &format!("{}\n", " ".repeat(60)), "{\"protocol\":1}\n"] {
            assert!(read(wrong).await.is_err(), "{wrong:?}");
        }
    }
}
