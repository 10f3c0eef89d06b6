//! A strict test double of the file-manager API and of the event feed, for tests, the demo and the benchmarks.
//! It follows the contract exactly and records its calls; it is not a file manager and must not hold real files.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use mock_api::{Fault, FaultAction, MockApi, Options};
//!
//! let running = MockApi::new(Options::default()).start("127.0.0.1:0").await?;
//! running.api().order(Fault::new(FaultAction::Reset).operation("create").path("a.txt"));
//! // … run a client against running.url() …
//! assert!(running.api().files().contains_key("a.txt"));
//! # Ok(())
//! # }
//! ```

mod answer;
mod api;
mod body;
mod call_log;
mod calls;
mod content;
mod effects;
mod exchange;
mod faults;
mod feed;
mod fields;
mod files;
mod inspect;
mod ledger;
mod options;
mod permissions;
mod receive;
mod router;
mod server;

pub use api::MockApi;
pub use call_log::{Call, CallName, CallState};
pub use effects::Effects;
pub use faults::{Fault, FaultAction};
pub use files::StoredFile;
pub use options::{Contents, Options};
pub use permissions::Permissions;
pub use server::Running;
