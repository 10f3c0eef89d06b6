//! The real `s3-sync` binary between a bucket and a file manager: settings, runs, output.

use super::objects::BUCKET;
use mock_api::{CallName, Contents, MockApi, Running};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The longest duration of a run in these tests: a longer one hangs.
pub(crate) const LONGEST_RUN: Duration = Duration::from_mins(3);

/// A file manager that keeps contents.
pub(crate) async fn file_manager() -> Running {
    let options = mock_api::Options { contents: Contents::Memory, ..mock_api::Options::default() };
    MockApi::new(options).start("127.0.0.1:0").await.expect("a free port")
}

/// The paths and the bytes that the file manager holds.
pub(crate) fn held(file_manager: &Running) -> BTreeMap<String, Vec<u8>> {
    let files = file_manager.api().files().into_iter();
    files.map(|(path, file)| (path, file.content.expect("contents are kept").to_vec())).collect()
}

/// The number of calls about files.
pub(crate) fn calls_about_files(file_manager: &Running) -> usize {
    let about_files = |call: &mock_api::Call| matches!(call.call, CallName::SaveToDisk | CallName::UpdatePermissions);
    file_manager.api().calls().iter().filter(|call| about_files(call)).count()
}

/// A directory with a state, and the settings of its runs.
pub(crate) struct Sync {
    directory: TempDir,
    settings: BTreeMap<&'static str, String>,
}

impl Sync {
    /// From a bucket at `endpoint` to a file manager.
    pub(crate) fn new(endpoint: &str, file_manager: &Running) -> Self {
        let settings = [
            ("CUSTOMER_S3_ENDPOINT", endpoint.to_owned()),
            ("CUSTOMER_S3_BUCKET", BUCKET.to_owned()),
            ("CUSTOMER_S3_ACCESS_KEY", "any-key".to_owned()),
            ("CUSTOMER_S3_SECRET_KEY", "any".to_owned()),
            ("FILE_MANAGER_API_URL", file_manager.url()),
            ("DATABASE_PATH", "sync.db".to_owned()),
        ];
        Self { directory: tempfile::tempdir().expect("a temporary directory"), settings: settings.into() }
    }

    /// Adds a setting.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.insert(name, value.into());
        self
    }

    /// Starts a run, which is killed on drop.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_s3-sync"))
            .args(arguments)
            .env_clear()
            .envs(&self.settings)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("s3-sync starts")
    }

    /// Runs to the end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.start(arguments)).await
    }

    /// A successful initial sync; returns its report.
    pub(crate) async fn done(&self) -> Value {
        let run = self.run(&["initial-sync", "--json"]).await;
        assert_eq!(run.code, Some(0), "{}", run.output());
        run.report()
    }
}

/// Waits for the end of a run, and reads its output meanwhile.
pub(crate) async fn ended(run: Child) -> Ended {
    let output = tokio::time::timeout(LONGEST_RUN, run.wait_with_output()).await;
    let Output { status, stdout, stderr } = output.expect("the run comes to an end").expect("the run can be waited for");
    let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
    let ended = Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
    ended.assert_harmless();
    ended
}

/// The result of a run.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Both streams, for people.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// What `--json` printed.
    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.output()))
    }

    /// Asserts that the output for people contains these words.
    pub(crate) fn assert_prints(&self, words: &str) {
        assert!(self.output().contains(words), "{words:?} is not printed:\n{}", self.output());
    }

    /// Asserts that the output cannot control a terminal, forge a line or reorder text.
    fn assert_harmless(&self) {
        for c in self.output().chars() {
            let breaks_a_line = matches!(c, '\u{2028}' | '\u{2029}') || c.is_control() && c != '\n';
            let reorders = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(!breaks_a_line && !reorders, "{c:?} was printed raw: {:?}", self.output());
        }
    }
}
