//! One process: its output, its signals, its end. Every wait here has a limit.

use std::fmt;
use std::future::Future;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// No awaited event takes longer, on any machine. Shorter than every timeout of the program's calls, so that a hanging call does
/// not end a wait.
const PATIENCE: Duration = Duration::from_secs(25);
const SIGKILL: i32 = 9;

pub(crate) struct Process {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    said: Vec<String>,
}

/// The awaited event did not happen: its description, and the process's output.
pub(crate) struct Vain(String);

/// For `expect`: the text as it is, on several lines.
impl fmt::Debug for Vain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The end of a process that was not killed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    pub(crate) fn of(mut child: Child) -> Self {
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        Self { child, stderr, said: Vec::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Waits until it prints these words on stderr.
    pub(crate) async fn says(&mut self, words: &str) -> Result<(), Vain> {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.stderr.next_line().await.expect("stderr can be read") {
                self.said.push(line);
                if self.said.last().is_some_and(|line| line.contains(words)) {
                    return true;
                }
            }
            false
        });
        if matches!(found.await, Ok(true)) { Ok(()) } else { Err(self.in_vain(&format!("it never said {words:?}"))) }
    }

    /// Waits until it prints one of these words on stderr or until an outside event happens; returns the words if they came
    /// first.
    #[cfg(feature = "kills")]
    pub(crate) async fn says_or(&mut self, words: &[&'static str], event: impl Future<Output = ()>) -> Result<Option<&'static str>, Vain> {
        let found = timeout(PATIENCE, async {
            tokio::pin!(event);
            loop {
                let line = tokio::select! {
                    biased;
                    () = &mut event => return Some(None),
                    line = self.stderr.next_line() => line.expect("stderr can be read")?,
                };
                let found = words.iter().copied().find(|words| line.contains(words));
                self.said.push(line);
                if found.is_some() {
                    return Some(found);
                }
            }
        });
        match found.await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(self.in_vain("it hung up")),
            Err(_) => Err(self.in_vain(&format!("it never said any of {words:?}, and nothing happened"))),
        }
    }

    /// Waits for an outside event while the process lives.
    pub(crate) async fn lives_until(&mut self, event: impl Future<Output = ()>) -> Result<(), Vain> {
        let how = tokio::select! {
            happened = timeout(PATIENCE, event) => match happened {
                Ok(()) => return Ok(()),
                Err(_) => "it runs, and nothing happens".to_owned(),
            },
            status = self.child.wait() => {
                self.read_the_rest().await;
                format!("it ended ({status:?})")
            }
        };
        Err(self.in_vain(&how))
    }

    /// Sends SIGKILL if it still lives.
    pub(crate) async fn end_it(mut self) {
        // It may have ended by itself.
        let _ = self.child.kill().await;
    }

    /// Sends SIGKILL. The process must still live.
    pub(crate) async fn kill(mut self) {
        self.child.start_kill().expect("the process can be killed");
        let status = self.child.wait().await.expect("the process can be waited for");
        if status.signal() != Some(SIGKILL) {
            self.read_the_rest().await;
            panic!("{:?}", self.in_vain(&format!("it had ended before it was killed ({status})")));
        }
    }

    /// Sends `TERM` or `INT`.
    pub(crate) async fn signal(&self, name: &str) {
        // The shell's `kill`, because the standard library has none, and libc's would be unsafe code.
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &self.id().to_string()]).status().await;
        assert!(sent.expect("there is a shell").success(), "the signal is sent");
    }

    /// Waits until it ends by itself.
    pub(crate) async fn end(mut self) -> Ended {
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("stdout is piped");
        let ended = timeout(PATIENCE, async {
            let (read, ()) = tokio::join!(pipe.read_to_string(&mut stdout), self.read_the_rest());
            read.expect("stdout is UTF-8");
            self.child.wait().await.expect("the process can be waited for")
        })
        .await;
        let Ok(status) = ended else { panic!("{:?}", self.in_vain("it does not end")) };
        Ended { code: status.code(), stdout, stderr: self.said.join("\n") }
    }

    fn in_vain(&self, how: &str) -> Vain {
        Vain(format!("{how}; it said:\n{}", self.said.join("\n")))
    }

    async fn read_the_rest(&mut self) {
        while let Ok(Some(line)) = self.stderr.next_line().await {
            self.said.push(line);
        }
    }
}
