//! Planted bugs for the model: `mutant::is(name)` in production code enables a bug that the model must detect, one at a time. Each is a
//! mistake that a developer could make in one line. Compiled to nothing without the feature `mutants`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use uuid::Uuid;

/// A key that depends on a text, for a bug that replaces a random key.
pub fn key_of(what: &str) -> Uuid {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    Uuid::from_u64_pair(hasher.finish(), 1)
}

/// True if the bug of this name is planted.
#[cfg(not(feature = "mutants"))]
pub const fn is(_name: &'static str) -> bool {
    false
}

#[cfg(feature = "mutants")]
pub use planted::{is, plant};

#[cfg(feature = "mutants")]
mod planted {
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<&'static [&'static str]> = const { Cell::new(&[]) };
    }

    /// Plants exactly these bugs, for this thread.
    pub fn plant(names: &'static [&'static str]) {
        PLANTED.set(names);
    }

    /// True if the bug of this name is planted.
    pub fn is(name: &'static str) -> bool {
        PLANTED.get().contains(&name)
    }
}
