//! The binary: its first line, its flags, its end, and that its memory does not grow with a body.

use crate::client::said;
use futures::stream;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

struct Process {
    child: Child,
    url: String,
}

impl Process {
    async fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mock-api"))
            .args(["--listen", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().expect("a pipe");
        let url = BufReader::new(stdout).lines().next_line().await.expect("readable").expect("a first line");
        Self { child, url }
    }

    fn client() -> reqwest::Client {
        reqwest::Client::builder().no_proxy().build().expect("a client")
    }

    async fn end_by(mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await.expect("kill is there");
        assert!(sent.success());
        self.child.wait().await.expect("it ends").code()
    }
}

#[tokio::test]
async fn the_mock_prints_its_address_and_ends_cleanly_on_sigint_and_sigterm() {
    for signal in ["-TERM", "-INT"] {
        let process = Process::start(&[]).await;
        assert!(process.url.starts_with("http://127.0.0.1:"), "{}", process.url);
        assert_eq!(Process::client().get(&process.url).send().await.expect("an answer").status(), 200);
        assert_eq!(process.end_by(signal).await, Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_token_comes_from_a_flag_or_a_file() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "secret\n").expect("written");
    for flags in [["--token", "secret"], ["--token-file", file.path().to_str().expect("plain")]] {
        let process = Process::start(&flags).await;
        let get = || Process::client().get(&process.url);
        assert_eq!(get().send().await.expect("an answer").status(), 401);
        assert_eq!(get().bearer_auth("secret").send().await.expect("an answer").status(), 200);
    }
}

#[tokio::test]
async fn the_mock_refuses_wrong_flags_with_a_message() {
    let rows = [
        (vec!["--listen", "nowhere"], "cannot listen on nowhere"),
        (vec!["--token-file", "/does/not/exist"], "cannot read the token from /does/not/exist"),
        (vec!["--token", ""], "the token is empty"),
    ];
    for (flags, words) in rows {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mock-api"));
        if flags[0] != "--listen" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let output = command.args(flags).output().await.expect("it starts");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && complaint.contains(words), "{complaint}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn a_large_body_streams_to_its_blob_in_little_memory() {
    const CHUNK: usize = 1024 * 1024;
    const CHUNKS: usize = 192;
    let blobs = tempfile::tempdir().expect("a directory");
    let process = Process::start(&["--blobs", blobs.path().to_str().expect("plain")]).await;
    let chunk = bytes::Bytes::from(vec![b'x'; CHUNK]);
    let chunks = stream::iter((0..CHUNKS).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let size = CHUNK * CHUNKS;
    let part = Part::stream_with_length(reqwest::Body::wrap_stream(chunks), size as u64).file_name("x");
    let form = Form::new().text("operation", "create").text("file_path", "large").text("size", size.to_string()).part("file", part);
    let response = Process::client().post(format!("{}/saveToDisk", process.url)).multipart(form).send().await.expect("an answer");
    let said = said(response).await;
    assert_eq!(said.status, 200, "{said:?}");
    let blob = blobs.path().join(said.body["internal_id"].as_str().expect("an id"));
    assert_eq!(blob.metadata().expect("the blob").len(), size as u64);
    let files: Value =
        Process::client().get(format!("{}/_mock/files", process.url)).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(files["large"]["size"], size);
    if let Some(peak) = peak_memory_kib(process.child.id().expect("it runs")) {
        assert!(peak < 64 * 1024, "{peak} KiB");
    }
}

/// From the system's process information.
fn peak_memory_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}
