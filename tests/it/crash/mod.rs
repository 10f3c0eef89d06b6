//! The real process during its work: killed, signalled, started twice. The result is checked only from outside: the bucket's
//! request log, the file manager's ledger, exit codes, output.

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
