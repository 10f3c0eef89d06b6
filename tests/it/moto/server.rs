//! A moto server in its own process, on a free loopback port: start, wait until it answers, end.

use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

/// The text before the address in moto's output. Then it listens.
const LISTENS_AT: &str = "Running on ";

/// A server that runs until this is dropped.
pub(crate) struct Moto {
    /// `http://127.0.0.1:port`
    pub(crate) endpoint: String,
    /// Killed when it is dropped.
    _process: Child,
    /// Reads the pipe, because a full one would block the server.
    reading: JoinHandle<()>,
}

impl Moto {
    /// Starts a server without buckets that accepts every access key.
    pub(crate) async fn start() -> Self {
        let mut process = Command::new(program())
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the moto server starts");
        let mut lines = BufReader::new(process.stderr.take().expect("stderr is piped")).lines();
        let endpoint = address(&mut lines).await;
        let reading = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { endpoint, _process: process, reading }
    }

    /// The same as starting it with `INITIAL_NO_AUTH_ACTION_COUNT` set to the number of requests so far.
    pub(super) async fn check_signatures_from_now_on(&self) {
        let request = reqwest::Client::new().post(format!("{}/moto-api/reset-auth", self.endpoint)).body("0");
        request.send().await.and_then(reqwest::Response::error_for_status).expect("moto takes the order");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "where the server is installed is said by the make target, and is no setting")]
pub(crate) fn program() -> std::ffi::OsString {
    std::env::var_os("MOTO_SERVER").expect("MOTO_SERVER names the moto_server program: `make test-moto` installs it")
}

async fn address(lines: &mut Lines<BufReader<ChildStderr>>) -> String {
    let mut printed = Vec::new();
    while let Some(line) = lines.next_line().await.expect("what moto tells is text") {
        if let Some((_, address)) = line.split_once(LISTENS_AT) {
            return address.trim().to_owned();
        }
        printed.push(line);
    }
    panic!("moto ended before it listened:\n{}", printed.join("\n"));
}
