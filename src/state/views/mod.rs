//! The views of the state as a whole, read at one moment, also beside a process that writes. Nothing is stored here.

pub(crate) mod overview;

pub(crate) mod snapshot_rows;

pub(crate) mod key_report;
