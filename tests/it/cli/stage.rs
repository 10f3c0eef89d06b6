//! The environment of a command: a bucket, a file manager, an empty directory, and environment variables only for these.

use crate::crash::Process;
use mock_api::MockApi;
use mock_s3::MockS3;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

pub(super) const BUCKET: &str = "customer-bucket";
/// A distinctive text, so that a leak is found anywhere.
pub(super) const TOKEN: &str = "tok-QX7Zp1w9Lk3Vb5";
pub(super) const SECRET_KEY: &str = "sec-Hj4Rt8Yn2Gd6Mc";

/// Everything around one command.
pub(super) struct Stage {
    pub(super) s3: mock_s3::Running,
    pub(super) files: mock_api::Running,
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

/// The result of a command.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Stage {
    /// Two running doubles, an empty bucket, and the settings for them.
    pub(super) async fn set() -> Self {
        let s3 = MockS3::new(mock_s3::Options { secret_key: SECRET_KEY.to_owned(), ..mock_s3::Options::default() });
        s3.create_bucket(BUCKET);
        let access_key = s3.options().access_key.clone();
        let s3 = s3.start("127.0.0.1:0").await.expect("a free port");
        let files = MockApi::new(mock_api::Options { token: Some(TOKEN.to_owned()), ..mock_api::Options::default() });
        let files = files.start("127.0.0.1:0").await.expect("a free port");
        let settings = [
            ("CUSTOMER_S3_ENDPOINT", s3.endpoint().to_owned()),
            ("CUSTOMER_S3_ACCESS_KEY", access_key),
            ("CUSTOMER_S3_SECRET_KEY", SECRET_KEY.to_owned()),
            ("CUSTOMER_S3_BUCKET", BUCKET.to_owned()),
            ("FILE_MANAGER_API_URL", files.url()),
            ("FILE_MANAGER_API_TOKEN", TOKEN.to_owned()),
            ("EVENTS_API_URL", files.url()),
            ("RETRY_ATTEMPTS", "1".to_owned()),
        ];
        let environment = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { s3, files, directory: tempfile::tempdir().expect("a temporary directory"), environment }
    }

    /// The same with some objects.
    pub(super) async fn with(keys: &[&str]) -> Self {
        let stage = Self::set().await;
        for key in keys {
            stage.put(key, &format!("content of {key}"));
        }
        stage
    }

    pub(super) fn put(&self, key: &str, body: &str) {
        self.s3.server().put(BUCKET, key, body.to_owned(), Some("text/plain"));
    }

    pub(super) fn setting(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    pub(super) fn without(&mut self, name: &str) {
        self.environment.remove(name);
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn api(&self) -> &MockApi {
        self.files.api()
    }

    /// The command, ready to start.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3-sync"));
        command.args(arguments).env_clear().envs(&self.environment).current_dir(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub(super) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("the program starts")
    }

    /// A daemon without scheduled runs, unless the test's settings have some.
    pub(super) fn daemon(&self) -> Process {
        let mut command = self.command(&["daemon"]);
        for (name, value) in [("SYNC_INTERVAL", "86400"), ("RECONCILE_CRON", "off")] {
            if !self.environment.contains_key(name) {
                command.env(name, value);
            }
        }
        Process::of(command.spawn().expect("the program starts"))
    }

    /// A daemon whose initial sync has completed.
    pub(super) async fn daemon_at_rest(&self) -> Process {
        let mut daemon = self.daemon();
        daemon.says("run=1 outcome=\"done\"").await.expect("the initial sync ends well");
        daemon
    }

    /// Runs a command to its end.
    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        ended(self.start(arguments)).await
    }

    /// Runs a command, and asserts its exit code.
    pub(super) async fn expect(&self, arguments: &[&str], code: i32) -> Ran {
        let ran = self.run(arguments).await;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        ran
    }

    /// Every file in the directory, with its mode.
    pub(super) fn left_behind(&self) -> BTreeMap<PathBuf, u32> {
        fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, u32>) {
            for entry in std::fs::read_dir(directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                let facts = path.symlink_metadata().expect("facts");
                if facts.is_dir() {
                    walk(&path, found);
                } else {
                    found.insert(path, facts.permissions().mode() & 0o777);
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(self.directory.path(), &mut found);
        found
    }
}

impl Ran {
    /// The one JSON document on stdout.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is not one JSON document: {error}: {self:?}"))
    }

    /// Asserts that stderr contains each of these texts.
    pub(super) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.stderr.contains(word), "stderr does not say {word:?}: {self:?}");
        }
    }

    /// Asserts that stdout contains each of these texts.
    pub(super) fn prints(&self, words: &[&str]) {
        for word in words {
            assert!(self.stdout.contains(word), "stdout does not say {word:?}: {self:?}");
        }
    }
}

pub(super) async fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().await.expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// An address at which no server listens.
pub(super) fn unreachable_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}
