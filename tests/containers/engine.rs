//! The container engine by its command line, for what testcontainers cannot do: signals, networks, volumes.

use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Nothing here takes this long unless it hangs. Only bounds a test that would never end.
const BOUND: Duration = Duration::from_mins(5);

/// The output of one command.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) success: bool,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        Self { stdout: text(&output.stdout), stderr: text(&output.stderr), success: output.status.success() }
    }
}

/// Unwraps an expected result. Otherwise the test ends with this description.
pub(crate) async fn in_time<T>(what: &str, coming: impl Future<Output = T>) -> T {
    timeout(BOUND, coming).await.unwrap_or_else(|_| panic!("{what} never came"))
}

/// Runs `docker ARGUMENTS` to its end.
pub(crate) async fn try_docker(arguments: &[&str]) -> Said {
    let mut command = Command::new("docker");
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(BOUND, command.output()).await.unwrap_or_else(|_| panic!("docker {arguments:?} hangs"));
    Said::of(&output.expect("docker starts"))
}

/// The same, and asserts success; returns the output.
pub(crate) async fn docker(arguments: &[&str]) -> String {
    let said = try_docker(arguments).await;
    assert!(said.success, "docker {arguments:?}: {}", said.stderr);
    said.stdout
}

/// Follows a container's stderr from its beginning until it has contained these words this many times.
pub(crate) async fn follow_log(id: &str, words: &str, times: usize) {
    let mut command = Command::new("docker");
    command.args(["logs", "--follow", id]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut docker = command.spawn().expect("docker starts");
    let mut lines = BufReader::new(docker.stderr.take().expect("it is piped")).lines();
    let read = async {
        let mut seen = 0;
        while seen < times {
            let line = lines.next_line().await.expect("a log is text").unwrap_or_else(|| panic!("it ended and never said {words:?}"));
            seen += usize::from(line.contains(words));
        }
    };
    timeout(BOUND, read).await.unwrap_or_else(|_| panic!("its log does not say {words:?} {times} times"));
}

/// Prints the last output of the containers that match this filter. Blocking, because it runs while a test unwinds.
pub(crate) fn print_logs(filter: &str) {
    let format = "{{.ID}} {{.Names}} ({{.Status}}): {{.Command}}";
    for line in blocking(&["ps", "--all", "--filter", filter, "--format", format]).stdout.lines() {
        let said = blocking(&["logs", "--tail", "100", line.split(' ').next().unwrap_or_default()]);
        println!("---- {line}\n{}\n{}", said.stdout, said.stderr);
    }
}

/// Removes every container, volume and network with this label. Blocking for the same reason.
pub(crate) fn remove_all(label: &str) {
    let filter = format!("label={label}");
    let removals: [(&[&str], &[&str]); 3] = [
        (&["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]),
        (&["volume", "ls", "--quiet"], &["volume", "rm", "--force"]),
        (&["network", "ls", "--quiet"], &["network", "rm"]),
    ];
    for (list, remove) in removals {
        let found = blocking(&[list, &["--filter", &filter]].concat()).stdout;
        let found: Vec<_> = found.split_whitespace().collect();
        if !found.is_empty() {
            blocking(&[remove, &found].concat());
        }
    }
}

fn blocking(arguments: &[&str]) -> Said {
    Said::of(&std::process::Command::new("docker").args(arguments).stdin(Stdio::null()).output().expect("docker starts"))
}
