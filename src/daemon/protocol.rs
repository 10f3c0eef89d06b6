//! What is said over the control socket: one JSON object a line, the client first. A version stands in every request, so that two
//! programs of different age refuse each other in words instead of misunderstanding each other.

use super::{KeptLetter, LettersRequest, Order, ServiceStatus};
use crate::apply::Totals;
use crate::record::SinkName;
use crate::report::Report;
use crate::state::{Answer, RunKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Of this protocol. It changes with the meaning of what is below, and with the report.
pub const VERSION: u32 = 1;
/// No line is longer: a report tells of at most a hundred failures.
pub const LINE_BYTES_MOST: u64 = 4 << 20;

/// The client's only line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// [`VERSION`]
    pub protocol: u32,
    /// What is wanted.
    #[serde(flatten)]
    pub request: Request,
}

impl Ask {
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
    Run(RunRequest),
    /// Dead letters, tried again or forgotten.
    DeadLetters(LettersRequest),
    /// In one word, how the service is.
    Health,
    /// Everything about the daemon.
    Status,
}

/// A run, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// `initial`, `incremental` or `reconcile`.
    pub kind: String,
    /// See `--allow-deletes`.
    pub allow_deletes: Option<u64>,
    /// See `--adopt` and those beside it.
    #[serde(default)]
    pub answers: Vec<String>,
    /// What whoever asks means by the state.
    pub identity: Identified,
}

/// What a state describes, by the settings of whoever asks. What these do not name, they have no opinion on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identified {
    /// Endpoint, bucket and prefix.
    pub source: Option<String>,
    /// The address of each sink, by its name.
    #[serde(default)]
    pub sinks: BTreeMap<SinkName, String>,
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
    Kept(KeptLetter),
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
            bytes: totals.sinks.values().map(|sink| sink.bytes).sum(),
        }
    }
}

const ADOPT: &str = "adopt";
const NEW_SOURCE: &str = "new_source";
/// With the name of a sink behind it.
const NEW_SINK: &str = "new_sink:";
const DROP_SINK: &str = "drop_sink:";
const RESTORED: &str = "restored";

impl RunRequest {
    /// An order in the words of the wire.
    pub fn of(order: Order, identity: Identified) -> Self {
        let Answer { adopt, new_source, new_sinks, drop_sinks, restored } = order.answer;
        let said = [(adopt, ADOPT), (new_source, NEW_SOURCE), (restored, RESTORED)];
        let said = said.into_iter().filter(|(said, _)| *said).map(|(_, word)| word.to_owned());
        let new_sinks = new_sinks.iter().map(|name| format!("{NEW_SINK}{name}"));
        let drop_sinks = drop_sinks.iter().map(|name| format!("{DROP_SINK}{name}"));
        Self {
            kind: order.kind.as_str().to_owned(),
            allow_deletes: order.allow_deletes,
            answers: said.chain(new_sinks).chain(drop_sinks).collect(),
            identity,
        }
    }

    /// The order; `None` = a word that means nothing here.
    pub(super) fn order(&self) -> Option<Order> {
        let kinds = [RunKind::Initial, RunKind::Incremental, RunKind::Reconcile];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == self.kind)?;
        let mut answer = Answer::default();
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
        Some(Order { allow_deletes: self.allow_deletes, answer, ..Order::plain(kind) })
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
        let new_sinks = [SinkName::file_manager()].into();
        let answer = Answer { adopt: true, new_sinks, restored: true, ..Answer::default() };
        let order = Order { allow_deletes: Some(7), answer, ..Order::plain(RunKind::Reconcile) };
        let sinks = [(SinkName::file_manager(), "f".to_owned())].into();
        let identity = Identified { source: Some("s".to_owned()), sinks };
        let ask = Ask::of(Request::Run(RunRequest::of(order.clone(), identity)));
        let text = serde_json::to_string(&ask).expect("JSON");
        assert_eq!(
            text,
            r#"{"protocol":1,"request":"run","kind":"reconcile","allow_deletes":7,"answers":["adopt","restored","new_sink:file_manager"],"identity":{"source":"s","sinks":{"file_manager":"f"}}}"#
        );
        let back: Ask = serde_json::from_str(&text).expect("JSON");
        let Request::Run(run) = back.request else { panic!("{back:?}") };
        assert_eq!(run.order(), Some(order));
        assert_eq!(RunRequest { kind: "nonsense".to_owned(), ..run.clone() }.order(), None);
        for wrong in ["nonsense", "new_sink:", "new_sink:No Name", "drop_sink:"] {
            assert_eq!(RunRequest { answers: vec![wrong.to_owned()], ..run.clone() }.order(), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_line_is_bounded_and_must_be_whole() {
        let read = async |text: &str| read_line::<Ask>(&mut text.as_bytes(), 60).await.map_err(|error| error.to_string());
        assert_eq!(read("{\"protocol\":1,\"request\":\"health\"}\n").await, Ok(Some(Ask::of(Request::Health))));
        assert_eq!(read("").await, Ok(None));
        for wrong in ["{\"protocol\":1,\"request\":\"health\"}", &format!("{}\n", " ".repeat(60)), "{\"protocol\":1}\n"] {
            assert!(read(wrong).await.is_err(), "{wrong:?}");
        }
    }
}
