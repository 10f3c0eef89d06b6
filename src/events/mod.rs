//! What we were told: from what a source sent to what is known about paths. What is true, a look decides.

pub mod replay;
