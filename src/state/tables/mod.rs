//! One file for each table: its rows, in and out. No decisions.

pub(crate) mod sources;

pub(crate) mod sinks;

pub(crate) mod observed;

pub(crate) mod applied;

pub(crate) mod permissions;

pub(crate) mod outdated_permissions;

pub(crate) mod sides;

pub(crate) mod pending;

pub(crate) mod intents;

pub(crate) mod lineage;

pub(crate) mod inbox;

pub(crate) mod dead_letters;

pub(crate) mod feed_events;

pub(crate) mod gap;

pub(crate) mod runs;

pub(crate) mod history;

pub(crate) mod counters;

pub(crate) mod restore_mark;
