//! The database file and the one thread that writes it: opening, migrations, commits, WAL. It knows only the tables `meta` and
//! `shards`.

pub(crate) mod file;

pub(crate) mod connection;

pub(crate) mod codec;

pub(crate) mod meta;

pub(crate) mod ownership;

pub(crate) mod writer;

pub(crate) mod wal;

#[cfg(feature = "failpoints")]
pub(crate) mod direct_writer;
