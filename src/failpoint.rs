//! Failpoints: a crash test makes the process wait at one and kills it there. Compiled to nothing without the feature `failpoints`.

/// A page was read, and nothing is committed yet.
pub const BEFORE_FIRST_COMMIT: &str = "before_first_commit";
/// An intent is committed, and its call is not sent yet.
pub const BETWEEN_INTENT_AND_CALL: &str = "between_intent_and_call";
/// A call had its effect, and its outcome is not committed yet.
pub const BETWEEN_CALL_AND_OUTCOME: &str = "between_call_and_outcome";

/// Reaches a failpoint. Returns at once.
#[cfg(not(feature = "failpoints"))]
pub fn reach(_name: &'static str) -> std::future::Ready<()> {
    std::future::ready(())
}

#[cfg(feature = "failpoints")]
pub use armed::{arm, reach};

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
        let Some((armed, left)) = ARMED.get() else { return };
        if armed == name && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // If stderr is closed, no test waits for the line.
            let _ = writeln!(std::io::stderr(), "failpoint {name}");
            std::future::pending::<()>().await;
        }
    }
}
