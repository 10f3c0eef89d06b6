//! One file for each table: its rows, in and out. No decision is taken here.

pub(crate) mod applied;

pub(crate) mod permissions;

pub(crate) mod sides;

pub(crate) mod history;
