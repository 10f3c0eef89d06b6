//! A server, an SDK client for it, and short helpers for responses. It asserts nothing about S3 itself.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use mock_s3::{MockS3, Options, Running};
use std::fmt::Debug;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const BUCKET: &str = "bucket";

/// A running server with one empty bucket.
pub(crate) struct Harness {
    pub(crate) running: Running,
    pub(crate) client: Client,
}

impl Harness {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let client = |running: &Running| client(running.endpoint(), &options.access_key, &options.secret_key);
        let running = MockS3::new(options.clone()).start("127.0.0.1:0").await.expect("a free port");
        running.server().create_bucket(BUCKET);
        let client = client(&running);
        Self { running, client }
    }

    pub(crate) fn server(&self) -> &MockS3 {
        self.running.server()
    }

    /// A GET of the SDK: the whole body, or the error.
    pub(crate) async fn get(&self, key: &str) -> Result<Vec<u8>, Failure> {
        let answer = self.client.get_object().bucket(BUCKET).key(key).send().await.map_err(|error| Failure::of(&error))?;
        match answer.body.collect().await {
            Ok(body) => Ok(body.to_vec()),
            Err(error) => Err(Failure { status: 200, code: "body".into(), text: format!("{error:?}") }),
        }
    }

    /// A GET over a raw TCP connection: the bytes received, and whether a reset ended it.
    pub(crate) async fn get_raw(&self, key: &str) -> RawAnswer {
        let presigning = PresigningConfig::expires_in(Duration::from_mins(1)).expect("a valid time");
        let url = self.client.get_object().bucket(BUCKET).key(key).presigned(presigning).await.expect("a presigned request");
        let path = url.uri().strip_prefix(self.running.endpoint()).expect("the URL begins with the endpoint");
        let mut stream = TcpStream::connect(self.running.address()).await.expect("the server listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.running.address());
        stream.write_all(request.as_bytes()).await.expect("the request is sent");
        let mut received = Vec::new();
        let end = stream.read_to_end(&mut received).await;
        RawAnswer { received, was_reset: end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset) }
    }
}

pub(crate) fn client(endpoint: &str, access_key: &str, secret_key: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .force_path_style(true)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(access_key, secret_key, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// The SDK's error of a failed call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// 0 = no response.
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn of<E: ProvideErrorMetadata + Debug>(error: &SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned();
        Self { status, code, text: format!("{error:?}") }
    }

    pub(crate) fn is(&self, status: u16, code: &str) -> bool {
        self.status == status && self.code == code
    }
}

/// Asserts that a call failed with this status and code.
#[track_caller]
pub(crate) fn assert_fails<T: Debug, E: ProvideErrorMetadata + Debug>(
    result: Result<T, SdkError<E, HttpResponse>>,
    status: u16,
    code: &str,
) {
    let failure = Failure::of(&result.expect_err("the call fails"));
    assert!(failure.is(status, code), "expected {status} {code}, got {failure:?}");
}

#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) received: Vec<u8>,
    pub(crate) was_reset: bool,
}

impl RawAnswer {
    /// `None` when not even the headers arrived.
    pub(crate) fn body(&self) -> Option<&[u8]> {
        let end = self.received.windows(4).position(|window| window == b"\r\n\r\n")?;
        Some(&self.received[end + 4..])
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.received);
        let head = text.split("\r\n\r\n").next()?;
        head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into())
    }
}
