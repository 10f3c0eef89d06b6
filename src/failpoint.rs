//! Places where a crash test may hold the process, to kill it there. Compiled to nothing without the feature `failpoints`.

/// After a page was read, before the process has committed anything.
pub const BEFORE_FIRST_COMMIT: &str = "before_first_commit";
/// An intent is committed, its call has not gone out.
pub const BETWEEN_INTENT_AND_CALL: &str = "between_intent_and_call";
/// A call had its effect, its outcome is not committed.
pub const BETWEEN_CALL_AND_OUTCOME: &str = "between_call_and_outcome";

/// Comes to a place; goes on at once unless a test holds it.
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

    /// Holds whoever comes to `name` for the `count`th time; written `name:count`.
    pub fn arm(text: &str) {
        if let Some((name, count)) = text.split_once(':')
            && let Ok(count) = count.parse()
        {
            // Armed once per process: a second call has no effect.
            let _ = ARMED.set((name.to_owned(), AtomicUsize::new(count)));
        }
    }

    /// Comes to a place; never goes on when it is the armed one and its count is used up, and says so on stderr.
    pub async fn reach(name: &'static str) {
        let Some((armed, left)) = ARMED.get() else { return };
        if armed == name && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Nobody reads stderr any more: then nobody waits for the line either.
            let _ = writeln!(std::io::stderr(), "failpoint {name}");
            std::future::pending::<()>().await;
        }
    }
}
