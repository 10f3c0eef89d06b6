//! A bucket, a file manager, a directory for the state, and the program, which is started repeatedly.

use super::process::Process;
use bytes::Bytes;
use mock_api::{Contents, MockApi};
use mock_s3::MockS3;
use std::path::PathBuf;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) const BUCKET: &str = "customer-bucket";

/// The environment of the processes. Dropping it leaves nothing behind.
pub(crate) struct Scene {
    bucket: mock_s3::Running,
    file_manager: mock_api::Running,
    /// The working directory of every process, so that none reads a developer's `.env`.
    directory: TempDir,
    program: PathBuf,
}

impl Scene {
    /// A bucket with this many objects, and an empty file manager.
    pub(crate) async fn with_objects(count: usize) -> Self {
        let s3 = MockS3::new(mock_s3::Options::default());
        for number in 0..count {
            s3.put(BUCKET, &key(number), body(number), Some("text/plain"));
        }
        let options = mock_api::Options { contents: Contents::Memory, ..mock_api::Options::default() };
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        // A separate link to the current binary, because a concurrent build may replace the original.
        let program = directory.path().join("s3-sync");
        std::fs::hard_link(env!("CARGO_BIN_EXE_s3-sync"), &program).expect("the target directory is one file system");
        Self {
            bucket: s3.start("127.0.0.1:0").await.expect("a free port"),
            file_manager: MockApi::new(options).start("127.0.0.1:0").await.expect("a free port"),
            directory,
            program,
        }
    }

    pub(crate) fn bucket(&self) -> &MockS3 {
        self.bucket.server()
    }

    pub(crate) fn file_manager(&self) -> &MockApi {
        self.file_manager.api()
    }

    /// The address of the file manager, which also serves the feed.
    #[cfg(feature = "kills")]
    pub(crate) fn events_url(&self) -> String {
        self.file_manager.url()
    }

    /// The path of the state.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("state/sync.db")
    }

    pub(crate) fn bucket_url(&self) -> String {
        self.bucket.endpoint().to_owned()
    }

    pub(crate) fn file_manager_url(&self) -> String {
        self.file_manager.url()
    }

    /// The path of the daemon's socket.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.directory.path().join("state/sync.db.sock")
    }

    /// The identity of the state, as the control socket sends it.
    pub(crate) fn identity(&self) -> String {
        format!(r#"{{"source":"{}/{BUCKET}/","file_manager":"{}"}}"#, self.bucket.endpoint(), self.file_manager.url())
    }

    /// Starts a command, with these settings in addition to the common ones.
    pub(crate) fn start(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Process {
        let options = self.bucket().options();
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("CUSTOMER_S3_ENDPOINT", self.bucket.endpoint())
            .env("CUSTOMER_S3_ACCESS_KEY", &options.access_key)
            .env("CUSTOMER_S3_SECRET_KEY", &options.secret_key)
            .env("CUSTOMER_S3_BUCKET", BUCKET)
            .env("FILE_MANAGER_API_URL", self.file_manager.url())
            .env("DATABASE_PATH", "state/sync.db")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Process::of(command.spawn().expect("the program starts"))
    }
}

/// Numbered keys, in byte order.
pub(crate) fn key(number: usize) -> String {
    format!("records/{number:04}.txt")
}

/// Each object has different bytes; some are empty, some need many packets.
fn body(number: usize) -> Bytes {
    let lines = match number % 25 {
        7 => 0,
        11 => 20_000,
        few => few,
    };
    format!("record {number}\n").repeat(lines).into()
}
