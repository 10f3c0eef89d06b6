//! An S3 server in memory, over real HTTP: the bucket of tests, the demo and the benchmarks.
//!
//! It persists nothing, and is strict: signatures, checksums and preconditions are checked, and a request for something that it does
//! not implement (versions, SSE, parts by number) gets `NotImplemented`.
//! It keeps an object's content type, encoding, language, disposition, cache control, user metadata and storage class, and no other header.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use mock_s3::{Fault, Matcher, MockS3, Options};
//!
//! let running = MockS3::new(Options::default()).start("127.0.0.1:0").await?;
//! let s3 = running.server();
//! s3.put("bucket", "a.txt", "hello", Some("text/plain"));
//! s3.order(Matcher::operation("GetObject").key("a.txt").times(1), Fault::slow_down(None));
//! println!("{}", running.endpoint());
//! # Ok(())
//! # }
//! ```

mod mock;
mod server;

mod fault;
mod gate;
mod requests;

mod api;
mod gatekeeper;
mod keys;
mod wire;
mod edit;

mod archive;
mod checksum;
mod content;
mod listing;
mod object;
mod seed;
mod store;

pub use archive::Restore;
pub use checksum::ChecksumAlgorithm;
pub use content::generated;
pub use fault::{Fault, IgnoredHeader, Matcher, OrderedFault};
pub use gate::Gate;
pub use keys::AccessKey;
pub use listing::OddListing;
pub use mock::{MockS3, Options};
pub use object::{ContentHeaders, NewObject, ObjectFacts};
pub use requests::{Counters, Request};
pub use server::Running;
