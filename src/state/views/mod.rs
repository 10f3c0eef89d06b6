//! What is read of the state as a whole, at one moment, also beside a process that writes. Nothing is stored here.

pub(crate) mod overview;

pub(crate) mod snapshot_rows;

pub(crate) mod key_report;
