//! The server as a process.

use crate::harness::client;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

struct Process {
    child: Child,
    endpoint: String,
    _stdout: BufReader<ChildStdout>,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mock-s3"));
        command.args(["--listen", "127.0.0.1:0", "--bucket", "bench"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        Self { child, endpoint: line.trim_end().into(), _stdout: stdout }
    }

    /// Its peak memory, from the kernel.
    fn peak_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of VmHWM");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    fn end_with(&mut self, signal: &str) -> Option<i32> {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A failed test leaves it running; if it has ended, there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_server_serves_its_seeded_objects_and_ends_on_sigterm() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("über uns")).expect("made");
    std::fs::write(directory.path().join("über uns/a+b.txt"), "hello").expect("written");
    let seed = directory.path().to_str().expect("UTF-8");
    let mut process =
        Process::start(&["--access-key", "k", "--secret-key", "s", "--seed", seed, "--generate", "3x4096", "--generate", "1x0"]);
    assert!(process.endpoint.starts_with("http://127.0.0.1:"), "{}", process.endpoint);
    let client = client(&process.endpoint, "k", "s");
    let page = client.list_objects_v2().bucket("bench").send().await.expect("a page");
    let listed: Vec<_> = page.contents().iter().filter_map(|object| Some((object.key()?, object.size()?))).collect();
    let generated = [("0/00000000.bin", 0), ("4096/00000000.bin", 4096), ("4096/00000001.bin", 4096), ("4096/00000002.bin", 4096)];
    assert_eq!(listed, [generated.as_slice(), &[("über uns/a+b.txt", 5)]].concat());
    let got = client.get_object().bucket("bench").key("4096/00000002.bin").send().await.expect("there");
    let body = got.body.collect().await.expect("a body").to_vec();
    assert!(body.into_iter().eq(mock_s3::generated(4096, 2).flatten()));
    let file = client.head_object().bucket("bench").key("über uns/a+b.txt").send().await.expect("there");
    assert_eq!(file.content_type(), Some("text/plain"));
    assert_eq!(process.end_with("-TERM"), Some(0));
}

#[tokio::test]
async fn a_large_generated_object_costs_no_memory() {
    let size: u64 = 256 * 1024 * 1024;
    let process = Process::start(&["--generate", &format!("1x{size}")]);
    let options = mock_s3::Options::default();
    let client = client(&process.endpoint, &options.access_key, &options.secret_key);
    let key = format!("{size}/00000000.bin");
    let mut body = client.get_object().bucket("bench").key(key).send().await.expect("there").body;
    let mut received = 0;
    while let Some(chunk) = body.try_next().await.expect("verified by the SDK") {
        received += chunk.len() as u64;
    }
    assert_eq!(received, size);
    let peak = process.peak_bytes();
    assert!(peak < size / 4, "{peak} bytes");
}

#[test]
fn the_server_ends_on_sigint_too() {
    assert_eq!(Process::start(&[]).end_with("-INT"), Some(0));
}

#[test]
fn the_error_names_a_wrong_argument() {
    let output = Command::new(env!("CARGO_BIN_EXE_mock-s3")).args(["--bucket", "b", "--generate", "many"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("10000x4096"));
    let output =
        Command::new(env!("CARGO_BIN_EXE_mock-s3")).args(["--bucket", "b", "--seed", "/does/not/exist"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/does/not/exist"));
}
