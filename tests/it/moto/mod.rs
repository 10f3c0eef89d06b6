//! The real workflow with moto, an independent S3 server, in its own process. `make test-moto` runs these tests.
//!
//! The file manager is the double, in this process; `s3-sync` is the real binary. Faults of moto are described where they occur,
//! so that a change is noticed.

pub(crate) mod objects;
mod proxy;
pub(crate) mod server;
pub(crate) mod sync;

mod arrivals;
mod busy_bucket;
mod changes;
mod conformance;
mod credentials;
mod hostile_keys;
mod large_object;
pub(crate) mod queue;
mod slow_endpoints;
mod unreachable;
