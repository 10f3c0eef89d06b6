//! The container engine by its own command line, for what testcontainers has no call for: signals, networks, volumes.

use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// Nothing here takes so long unless it hangs. It bounds a test that would never end, and decides nothing.
const BOUND: Duration = Duration::from_mins(5);

/// What one call of the engine said.
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) success: bool,
}

/// Runs `docker ARGUMENTS` to its end.
pub(crate) async fn try_docker(arguments: &[&str]) -> Said {
    let mut command = Command::new("docker");
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(BOUND, command.output()).await.unwrap_or_else(|_| panic!("docker {arguments:?} hangs"));
    let output = output.expect("docker starts");
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    Said { stdout: text(&output.stdout), stderr: text(&output.stderr), success: output.status.success() }
}

/// The same, and it must succeed; what it printed.
pub(crate) async fn docker(arguments: &[&str]) -> String {
    let said = try_docker(arguments).await;
    assert!(said.success, "docker {arguments:?}: {}", said.stderr);
    said.stdout
}

/// Removes every container, volume and network that carries this label. Blocking, because it runs while a test unwinds.
pub(crate) fn remove_all(label: &str) {
    let docker = |arguments: &[&str]| {
        let output = std::process::Command::new("docker").args(arguments).stderr(Stdio::null()).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    let filter = format!("label={label}");
    let removals: [(&[&str], &[&str]); 3] = [
        (&["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]),
        (&["volume", "ls", "--quiet"], &["volume", "rm", "--force"]),
        (&["network", "ls", "--quiet"], &["network", "rm"]),
    ];
    for (list, remove) in removals {
        let found = docker(&[list, &["--filter", &filter]].concat());
        let found: Vec<_> = found.split_whitespace().collect();
        if !found.is_empty() {
            docker(&[remove, &found].concat());
        }
    }
}
