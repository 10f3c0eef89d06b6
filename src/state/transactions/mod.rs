//! The transactions of the state: each public method of a handle is one, stored as a whole or not at all.

pub(crate) mod receive;

pub(crate) mod receive_feed;

pub(crate) mod queue_heartbeat;

pub(crate) mod dead_letters;

pub(crate) mod observe;

pub(crate) mod replay;

pub(crate) mod spelling;

pub(crate) mod consume;

pub(crate) mod outdate;

pub(crate) mod requeue;

pub(crate) mod claim;

pub(crate) mod outcomes;

pub(crate) mod checkpoints;
pub(crate) mod move_facts;

pub(crate) mod moves;

pub(crate) mod move_waits;

pub(crate) mod open_intents;

pub(crate) mod delete_guard;

pub(crate) mod unpark;

pub(crate) mod runs;

pub(crate) mod identity;

pub(crate) mod prune;
