//! One container of the service: its end, its signals, and its output.

use crate::engine::{Said, docker, follow_log, in_time, print_logs, try_docker};
use testcontainers::{ContainerAsync, GenericImage};

pub(crate) struct Service(ContainerAsync<GenericImage>);

/// The end of a container.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Service {
    pub(crate) fn of(container: ContainerAsync<GenericImage>) -> Self {
        Self(container)
    }

    pub(crate) fn id(&self) -> &str {
        self.0.id()
    }

    /// Runs `s3-sync COMMAND` in its container.
    pub(crate) async fn ask(&self, command: &str) -> Said {
        try_docker(&["exec", self.id(), "s3-sync", command]).await
    }

    /// Waits until its own health check reports healthy or degraded.
    pub(crate) async fn healthy(&self) {
        let healthy = async {
            while !self.ask("health").await.success {
                let running = docker(&["inspect", "--format", "{{.State.Running}}", self.id()]).await;
                assert_eq!(running, "true", "{}", try_docker(&["logs", self.id()]).await.stderr);
            }
        };
        in_time("a healthy service", healthy).await;
    }

    /// Waits until its log has contained these words this many times.
    pub(crate) async fn logs(&self, words: &str, times: usize) {
        follow_log(self.id(), words, times).await;
    }

    /// Waits for its end.
    pub(crate) async fn ended(&self) -> Ended {
        let code = docker(&["wait", self.id()]).await.parse().expect("an exit code");
        let logs = try_docker(&["logs", self.id()]).await;
        Ended { code, stdout: logs.stdout, stderr: logs.stderr }
    }

    /// Kills it at once.
    pub(crate) async fn kill(&self) {
        // It may just have ended by itself.
        try_docker(&["kill", "--signal", "KILL", self.id()]).await;
        docker(&["wait", self.id()]).await;
    }

    /// Stops it as `docker stop` does: SIGTERM, then SIGKILL (137) after this many seconds.
    pub(crate) async fn stop(&self, grace_secs: u32) -> Ended {
        docker(&["stop", "--time", &grace_secs.to_string(), self.id()]).await;
        self.ended().await
    }
}

impl Drop for Service {
    /// Removes the container. If the test fails, its log is printed first.
    fn drop(&mut self) {
        if std::thread::panicking() {
            print_logs(&format!("id={}", self.id()));
        }
    }
}

impl Said {
    /// Asserts that it succeeded; returns its output.
    pub(crate) fn well(self) -> String {
        assert!(self.success, "{} {}", self.stdout, self.stderr);
        self.stdout
    }
}

impl Ended {
    /// Asserts its exit code.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Asserts that its output contains each of these texts.
    pub(crate) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.stdout.contains(word) || self.stderr.contains(word), "it does not say {word:?}: {self:#?}");
        }
    }
}
