//! The fields of the responses of an SQS queue, around the messages.

use super::notifications::{dead_letters, record, spliced};
use super::table::{ABSENT, EMPTY, Fate, Field, Form, NOT_TEXT, OTHER_CASE, OTHER_FORMAT, OUT_OF_RANGE, TWICE, cases, compare};
use crate::workflow::scene::{in_memory, key};
use s3_sync::events::sqs::{SqsOptions, SqsQueue};
use s3_sync::sdk::AccessKeys;
use s3_sync::state::RunOutcome;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

const UNREADABLE: [usize; 5] = [ABSENT, EMPTY, OUT_OF_RANGE, OTHER_FORMAT, NOT_TEXT];

fn field(name: &'static str, right: &str, other: &str) -> Field {
    Field::new(Form::Json, name, right, other)
}

/// The fields of one message, and the list of messages.
pub(super) fn of_response() -> Vec<Field> {
    vec![
        field("Messages", "[{message}]", "[]")
            .without(&[OTHER_CASE])
            .is(Fate::Ignored, &[ABSENT])
            .refused("ReceiveMessage", &[EMPTY, OUT_OF_RANGE, OTHER_FORMAT, NOT_TEXT]),
        field("ReceiptHandle", "\"receipt\"", "\"other\"").refused("ReceiptHandle", &UNREADABLE),
        field("Body", "\"{\\\"Records\\\":[{record}]}\"", "\"other\"")
            .without(&[OTHER_CASE])
            .dead("unknown_shape", &[OUT_OF_RANGE, OTHER_FORMAT, NOT_TEXT])
            .dead("bad_json", &[ABSENT, EMPTY]),
        field("MessageId", "\"5fea7756\"", "\"other\""),
        field("MD5OfBody", "\"9a0364b9e99bb480dd25e1f0284c8555\"", "\"other\""),
        field("Attributes", "{\"SenderId\":\"A\"}", "{\"SenderId\":\"B\"}"),
        field("MessageAttributes", "{\"a\":{\"DataType\":\"String\",\"StringValue\":\"1\"}}", "{}"),
        field("MD5OfMessageAttributes", "\"9a0364b9e99bb480dd25e1f0284c8555\"", "\"other\""),
        field("unknown", "1", "2"),
    ]
}

/// A server that gives each call to receive the queue's response, and removes it when a message is deleted.
struct Server {
    queue: Arc<SqsQueue>,
    response: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let queue_url = format!("http://{}/1/events", listener.local_addr().expect("an address")).parse().expect("a URL");
        let response = Arc::new(Mutex::new(None));
        let served = response.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &served).await.expect("answered");
            }
        });
        let (credentials, trusted) = (AccessKeys::new("access", "secret").into(), s3_sync::trust::TrustedAuthorities::default());
        let options = SqsOptions { queue_url, endpoint: None, region: "us-east-1".to_owned(), credentials, trusted };
        Self { queue: Arc::new(SqsQueue::connect(options)), response }
    }

    fn set(&self, response: Option<Vec<u8>>) {
        *self.response.lock().unwrap_or_else(PoisonError::into_inner) = response;
    }
}

/// Answers one request and closes the connection.
async fn answer(stream: TcpStream, response: &Mutex<Option<Vec<u8>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut deletes, mut length, mut line) = (false, 0, String::new());
    while stream.read_line(&mut line).await? > 2 {
        let header = line.trim().to_ascii_lowercase();
        deletes |= header.contains("deletemessagebatch");
        length = header.strip_prefix("content-length: ").map_or(length, |value| value.parse().expect("a length"));
        line.clear();
    }
    stream.read_exact(&mut vec![0; length]).await?;
    let body = if deletes {
        *response.lock().unwrap_or_else(PoisonError::into_inner) = None;
        br#"{"Successful":[{"Id":"0"}],"Failed":[]}"#.to_vec()
    } else {
        response.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_else(|| b"{}".to_vec())
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    stream.shutdown().await
}

/// The response as the case sends it, with an event about this key.
fn response(case: &super::table::Case, id: &str) -> Vec<u8> {
    let message = json!({ "ReceiptHandle": "receipt", "Body": json!({ "Records": [record(id)] }).to_string() });
    if case.field == "Messages" {
        let response = spliced(json!({}), case, id);
        return match String::from_utf8(response) {
            Ok(text) => text.replace("{message}", &message.to_string()).into_bytes(),
            Err(not_text) => not_text.into_bytes(),
        };
    }
    [b"{\"Messages\":[", &spliced(message, case, id)[..], b"]}"].concat()
}

#[tokio::test]
async fn each_field_of_a_queue_s_response_wrong_in_each_way() {
    let (bucket, mut scene) = in_memory().await;
    let server = Server::start().await;
    scene.program.endpoints.queues.push(server.queue.clone());
    bucket.put(key("first"), "first");
    scene.run_to_success().await;
    let mut measured = Vec::new();
    for (number, case) in cases(&of_response()).into_iter().enumerate() {
        let id = format!("case{number:04}");
        bucket.put(key(&id), id.clone());
        let before = dead_letters(&scene).await.len();
        server.set(Some(response(&case, &id)));
        let ended = scene.cycle().await;
        server.set(None);
        let letters = dead_letters(&scene).await;
        let fate = match letters.get(before) {
            _ if scene.contents().contains_key(&id) => Fate::Synced,
            Some(letter) => Fate::DeadLetter(letter.reason.clone().leak()),
            None if ended.outcome == RunOutcome::Done => Fate::Ignored,
            None => Fate::Refused(""),
        };
        measured.push((case, fate, ended.report.errors.join("; ")));
    }
    assert!(measured.iter().any(|(case, _, _)| case.way == TWICE));
    compare(measured.into_iter());
}
