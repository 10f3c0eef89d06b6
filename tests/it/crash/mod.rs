//! The real process in the middle of its work: killed, signalled, started twice. What it leaves behind is judged from
//! outside alone: by the bucket's request log, the file manager's ledger, exit codes and what it says.

mod process;
mod scene;

#[cfg(feature = "kills")]
mod daemon;
#[cfg(feature = "failpoints")]
mod kills;
mod lock;
mod migration;
#[cfg(feature = "failpoints")]
mod random;
mod signals;

pub(crate) use process::Process;
pub(crate) use scene::{Scene, key};
