//! An SQS standard queue, with long polls and batches. The only user of the SQS SDK.

mod mend;

use super::queue::{EventQueue, Message, MessageReceipt, QueueError};
use crate::causes::words_of;
use crate::record::Escaped;
use crate::sdk::{CredentialSource, RenewableCredentials, http_client, rejects_credentials};
use crate::trust::{self, TrustedAuthorities, UNTRUSTED_HINT};
use async_trait::async_trait;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, QueueAttributeName};
use aws_sdk_sqs::{Client, Config};
use jiff::SignedDuration;
use mend::MendMessages;
use std::error::Error;
use std::time::Duration;
use url::Url;

/// The call that receives.
const RECEIVE: &str = "ReceiveMessage";

/// The number of messages in one response and in one batch: SQS's maximum.
const BATCH_MESSAGES: i32 = 10;

/// Longer than SQS's longest poll (20 s), so that polling an empty queue does not time out.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum length of a server's error message; the rest is cut off.
const MAX_MESSAGE_CHARS: usize = 300;

/// The error of a server that responds in XML.
const QUERY_PROTOCOL: &str = "the server does not speak SQS's JSON protocol: it responds in XML, as in the old query protocol";

/// The settings of a queue's client.
#[derive(Clone, Debug)]
pub struct SqsOptions {
    /// The queue's URL.
    pub queue_url: Url,
    /// The server, if it differs from the one in the queue's URL.
    pub endpoint: Option<Url>,
    /// The region, if the queue's URL names none.
    pub region: String,
    /// Where the credentials come from.
    pub credentials: CredentialSource,
    /// The trusted certificate authorities.
    pub trusted: TrustedAuthorities,
}

/// An SQS queue.
#[derive(Debug)]
pub struct SqsQueue {
    client: Client,
    credentials: RenewableCredentials,
    queue_url: String,
}

impl SqsQueue {
    /// Creates a client of the queue. Makes no call to the queue.
    pub fn connect(options: SqsOptions) -> Self {
        let SqsOptions { queue_url, endpoint, region, credentials, trusted } = options;
        let aws_region = region_at_aws(&queue_url);
        let endpoint = endpoint.map(|url| url.as_str().trim_end_matches('/').to_owned());
        let endpoint = endpoint.or_else(|| aws_region.is_none().then(|| queue_url.origin().ascii_serialization()));
        let region = aws_region.unwrap_or(region);
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        let credentials = RenewableCredentials::of(credentials, &region, &trusted);
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region))
            .credentials_provider(credentials.clone())
            // The credentials keep themselves: another cache would keep rejected ones.
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        if let Some(http_client) = http_client(&trusted) {
            config = config.http_client(http_client);
        }
        Self { client: Client::from_conf(config.build()), credentials, queue_url: queue_url.into() }
    }

    /// Checks that the queue exists and is accessible. Receives no message.
    pub async fn check(&self) -> Result<(), QueueError> {
        let request = self.client.get_queue_attributes().queue_url(&self.queue_url);
        self.call("GetQueueAttributes", || request.clone().send()).await.map(drop)
    }

    /// Makes an attempt, and another one if the server rejects the credentials and their source has others now.
    async fn call<T, E, F, Fut>(&self, call: &'static str, attempt: F) -> Result<T, QueueError>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E>>>,
    {
        let is_rejection = |error: &SdkError<E>| error.code().is_some_and(rejects_credentials);
        self.credentials.call(attempt, is_rejection).await.map_err(|error| self.queue_error(call, &error))
    }

    /// An error with the messages of the SDK's error and its causes, without repetitions. A response in XML and a web page are named as such:
    /// the SDK finds only that they are no JSON.
    fn queue_error<E: Error + 'static>(&self, call: &'static str, error: &SdkError<E>) -> QueueError {
        let words = match error.raw_response() {
            Some(response) if is_web_page(response) => web_page(response),
            Some(response) if is_xml(response) => format!("{QUERY_PROTOCOL}: {}", words_of(error)),
            _ => words_of(error),
        };
        let words: String = words.chars().take(MAX_MESSAGE_CHARS).collect();
        let mut message = Escaped(&words).to_string();
        if trust::is_untrusted(error) {
            message = format!("{message}; {UNTRUSTED_HINT}");
        }
        QueueError { call, address: self.queue_url.clone(), message }
    }
}

/// The error of a server that responds with a web page.
fn web_page(response: &HttpResponse) -> String {
    let status = response.status();
    format!("the server does not speak SQS: it answers with a web page (HTTP {status}), as a proxy or a web server does")
}

/// True if the response is a page of HTML.
fn is_web_page(response: &HttpResponse) -> bool {
    let body = beginning(response);
    body.starts_with(b"<html") || body.starts_with(b"<!doctype html") || content_type(response) == "text/html"
}

/// True if the response is XML, as servers of SQS's old query protocol send it.
fn is_xml(response: &HttpResponse) -> bool {
    beginning(response).starts_with(b"<") || matches!(content_type(response).as_str(), "text/xml" | "application/xml")
}

/// The body, in lower case.
fn beginning(response: &HttpResponse) -> Vec<u8> {
    response.body().bytes().unwrap_or_default().trim_ascii_start().to_ascii_lowercase()
}

fn content_type(response: &HttpResponse) -> String {
    let header = response.headers().get("content-type").unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The region in the URL of a queue at AWS: `sqs.<region>.amazonaws.com`.
fn region_at_aws(queue_url: &Url) -> Option<String> {
    let host = queue_url.host_str()?;
    let host = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    host.strip_prefix("sqs.").filter(|region| !region.contains('.')).map(str::to_owned)
}

#[async_trait]
impl EventQueue for SqsQueue {
    fn address(&self) -> &str {
        &self.queue_url
    }

    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, QueueError> {
        let wait_secs = i32::try_from(wait.as_secs()).unwrap_or(i32::MAX);
        let request = self.client.receive_message().queue_url(&self.queue_url);
        let request = request.max_number_of_messages(BATCH_MESSAGES).wait_time_seconds(wait_secs);
        let answer = self.call(RECEIVE, || request.clone().customize().interceptor(MendMessages).send()).await?;
        let answered = answer.messages.unwrap_or_default();
        let any = !answered.is_empty();
        let messages = answered.into_iter().filter_map(|message| {
            let receipt = MessageReceipt(message.receipt_handle.filter(|receipt| !receipt.is_empty())?);
            Some(Message { receipt, body: message.body.unwrap_or_default() })
        });
        // A message without a receipt cannot be acknowledged. The queue delivers it again, perhaps with one; the others go on.
        let messages: Vec<_> = messages.collect();
        if any && messages.is_empty() {
            let message = "no message of the response has a `ReceiptHandle`, without which none can be acknowledged".to_owned();
            return Err(QueueError { call: RECEIVE, address: self.queue_url.clone(), message });
        }
        Ok(messages)
    }

    async fn acknowledge(&self, receipts: Vec<MessageReceipt>) -> Result<Vec<MessageReceipt>, QueueError> {
        let entries = receipts.iter().enumerate().map(|(index, MessageReceipt(handle))| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(handle);
            entry.build().expect("invariant: id and receipt are set")
        });
        let request = self.client.delete_message_batch().queue_url(&self.queue_url).set_entries(Some(entries.collect()));
        let answer = self.call("DeleteMessageBatch", || request.clone().send()).await?;
        // Only a message in the list of successes is acknowledged: one in neither list may still be in the queue.
        let gone: Vec<_> = answer.successful.iter().map(|entry| entry.id.as_str()).collect();
        let left = receipts.into_iter().enumerate().filter(|(index, _)| !gone.contains(&index.to_string().as_str()));
        Ok(left.map(|(_, receipt)| receipt).collect())
    }

    async fn release(&self, receipts: Vec<MessageReceipt>) -> Result<(), QueueError> {
        let entries = receipts.iter().enumerate().map(|(index, MessageReceipt(handle))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string()).receipt_handle(handle);
            entry.visibility_timeout(0).build().expect("invariant: id and receipt are set")
        });
        let request = self.client.change_message_visibility_batch().queue_url(&self.queue_url).set_entries(Some(entries.collect()));
        self.call("ChangeMessageVisibilityBatch", || request.clone().send()).await.map(drop)
    }

    /// Needs the permission `sqs:GetQueueAttributes`, which receiving does not need.
    async fn retention(&self) -> Option<SignedDuration> {
        let name = QueueAttributeName::MessageRetentionPeriod;
        let request = self.client.get_queue_attributes().queue_url(&self.queue_url).attribute_names(name.clone());
        let answer = self.call("GetQueueAttributes", || request.clone().send()).await.inspect_err(|error| {
            tracing::debug!(%error, "the retention time of the queue cannot be read");
        });
        let secs = answer.ok()?.attributes?.get(&name)?.parse().ok()?;
        Some(SignedDuration::from_secs(secs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::AccessKeys;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// A server that gives one answer to every request, and closes.
    async fn queue_that_answers(answer: &'static str) -> SqsQueue {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let queue_url = format!("http://{}/1/q", listener.local_addr().expect("an address")).parse().expect("a URL");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 16 * 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let (credentials, trusted) = (AccessKeys::new("access", "secret").into(), TrustedAuthorities::default());
        SqsQueue::connect(SqsOptions { queue_url, endpoint: None, region: "us-east-1".to_owned(), credentials, trusted })
    }

    /// V6: the error was `unexpected token '<'`.
    #[tokio::test]
    async fn a_server_of_the_old_query_protocol_is_named_as_such() {
        for (answer, named) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 27\r\nconnection: close\r\n\r\n<?xml?><GetQueueResponse/> \n", true),
            ("HTTP/1.1 400 Bad Request\r\ncontent-type: text/xml\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", true),
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 16\r\nconnection: close\r\n\r\n<ErrorResponse/>", true),
            ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 7\r\nconnection: close\r\n\r\n<html/>", false),
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 26\r\nconnection: close\r\n\r\n{\"__type\":\"QueueDoesNotX\"}", false),
        ] {
            let queue = queue_that_answers(answer).await;
            let received = queue.receive(Duration::ZERO).await.map(|messages| messages.len());
            for error in [queue.check().await.err().map(|error| error.to_string()), received.err().map(|error| error.to_string())] {
                let error = error.unwrap_or_default();
                assert_eq!(error.contains("the server does not speak SQS's JSON protocol"), named, "{answer}: {error}");
            }
        }
    }

    /// The error was `unexpected token '<'`, without the status.
    #[tokio::test]
    async fn a_web_page_is_named_as_such_with_its_status() {
        for (answer, status) in [
            ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 7\r\nconnection: close\r\n\r\n<html/>", 502),
            ("HTTP/1.1 200 OK\r\ncontent-length: 17\r\nconnection: close\r\n\r\n\n<!DOCTYPE html>\n", 200),
            (
                "HTTP/1.1 501 Not Implemented\r\ncontent-type: Text/HTML; charset=utf-8\r\ncontent-length: 4\r\nconnection: close\r\n\r\n<h1>",
                501,
            ),
        ] {
            let queue = queue_that_answers(answer).await;
            let received = queue.receive(Duration::ZERO).await.map(|messages| messages.len());
            for error in [queue.check().await.err().map(|error| error.to_string()), received.err().map(|error| error.to_string())] {
                let error = error.unwrap_or_default();
                let words =
                    format!("the server does not speak SQS: it answers with a web page (HTTP {status}), as a proxy or a web server does");
                assert!(error.ends_with(&words), "{error}");
            }
        }
    }

    #[test]
    fn the_region_of_a_queue_at_aws_is_read_from_its_address() {
        for (address, expected) in [
            ("https://sqs.eu-central-1.amazonaws.com/123456789012/events", Some("eu-central-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", Some("cn-north-1")),
            ("http://127.0.0.1:4566/000000000000/q", None),
            ("https://sqs.example.org/1/q", None),
            ("https://sqs.eu-central-1.amazonaws.com.example.org/1/q", None),
        ] {
            assert_eq!(region_at_aws(&address.parse().expect("a URL")).as_deref(), expected, "{address}");
        }
    }
}
