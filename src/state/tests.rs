//! The state against its own invariants.
