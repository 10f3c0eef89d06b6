//! Failpoints: a crash test makes the process wait at one and kills it there. Compiled to nothing without the feature `failpoints`.

/// A page was read, and nothing is committed yet.
pub const BEFORE_FIRST_COMMIT: &str = "before_first_commit";
/// An intent is committed, and its call is not sent yet.
pub const BETWEEN_INTENT_AND_CALL: &str = "between_intent_and_call";
/// A call had its effect, and its outcome is not committed yet.
pub const BETWEEN_CALL_AND_OUTCOME: &str = "between_call_and_outcome";

/// A file or a directory was created, renamed or removed.
pub const AFTER_A_STEP_ON_DISK: &str = "after_a_step_on_disk";

/// Reaches a failpoint. Returns at once.
#[cfg(not(feature = "failpoints"))]
pub fn reach(_name: &'static str) -> std::future::Ready<()> {
    std::future::ready(())
}

/// Reaches a failpoint in blocking code. Returns at once.
#[cfg(not(feature = "failpoints"))]
pub fn reach_blocking(_name: &'static str) {}

#[cfg(feature = "failpoints")]
pub use armed::{arm, reach, reach_blocking};

#[cfg(feature = "failpoints")]
mod armed {
    use std::io::Write as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static ARMED: OnceLock<(String, AtomicUsize)> = OnceLock::new();

    /// Arms one failpoint, given as `name:count`: the `count`th task that reaches `name` waits there forever.
    pub fn arm(text: &str) {
        if let Some((name, count)) = text.split_once(':')
            && let Ok(count) = count.parse()
        {
            // Only the first call in a process has an effect.
            let _ = ARMED.set((name.to_owned(), AtomicUsize::new(count)));
        }
    }

    /// Reaches a failpoint. If it is the armed one and its count is reached, writes a line to stderr and never returns.
    pub async fn reach(name: &'static str) {
        if is_hit(name) {
            std::future::pending::<()>().await;
        }
    }

    /// As [`reach`], in blocking code.
    pub fn reach_blocking(name: &'static str) {
        if is_hit(name) {
            loop {
                std::thread::park();
            }
        }
    }

    fn is_hit(name: &str) -> bool {
        let Some((armed, left)) = ARMED.get() else { return false };
        let is_hit = armed == name && left.fetch_sub(1, Ordering::SeqCst) == 1;
        if is_hit {
            // If stderr is closed, no test waits for the line.
            let _ = writeln!(std::io::stderr(), "failpoint {name}");
        }
        is_hit
    }
}
