//! One container of the service: waiting for its end, ending it, and what it said.

use crate::engine::{Said, docker, follow_log, in_time, print_logs, try_docker};
use testcontainers::{ContainerAsync, GenericImage};

pub(crate) struct Service(ContainerAsync<GenericImage>);

/// How it ended.
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

    /// Waits until its own health check says that it is healthy, or degraded.
    pub(crate) async fn healthy(&self) {
        let healthy = async {
            while !self.ask("health").await.success {
                let running = docker(&["inspect", "--format", "{{.State.Running}}", self.id()]).await;
                assert_eq!(running, "true", "{}", try_docker(&["logs", self.id()]).await.stderr);
            }
        };
        in_time("a healthy service", healthy).await;
    }

    /// Waits until its log has these words so many times.
    pub(crate) async fn logs(&self, words: &str, times: usize) {
        follow_log(self.id(), words, times).await;
    }

    /// Waits for its end.
    pub(crate) async fn ended(&self) -> Ended {
        let code = docker(&["wait", self.id()]).await.parse().expect("an exit code");
        let logs = try_docker(&["logs", self.id()]).await;
        Ended { code, stdout: logs.stdout, stderr: logs.stderr }
    }

    /// At once, at whatever instruction.
    pub(crate) async fn kill(&self) {
        // It may have ended by itself at this moment.
        try_docker(&["kill", "--signal", "KILL", self.id()]).await;
        docker(&["wait", self.id()]).await;
    }

    /// As `docker stop` does it: SIGTERM, and SIGKILL (137) after so many seconds.
    pub(crate) async fn stop(&self, grace_secs: u32) -> Ended {
        docker(&["stop", "--time", &grace_secs.to_string(), self.id()]).await;
        self.ended().await
    }
}

impl Drop for Service {
    /// The container goes with it: the log of a test that fails is printed first.
    fn drop(&mut self) {
        if std::thread::panicking() {
            print_logs(&format!("id={}", self.id()));
        }
    }
}

impl Said {
    /// That it succeeded; what it said.
    pub(crate) fn well(self) -> String {
        assert!(self.success, "{} {}", self.stdout, self.stderr);
        self.stdout
    }
}

impl Ended {
    /// It ended so.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// It said each of these, wherever.
    pub(crate) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.stdout.contains(word) || self.stderr.contains(word), "it does not say {word:?}: {self:#?}");
        }
    }
}
