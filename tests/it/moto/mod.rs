//! The real workflow over moto: an independent S3 server, in a process of its own. `make test-moto` runs these.
//!
//! The file manager is the double, in this process; `s3-sync` is the real binary. What moto itself gets wrong is written down
//! where it shows, so that a change in it is noticed.

mod objects;
mod proxy;
mod server;
mod sync;

mod arrivals;
mod busy_bucket;
mod changes;
mod conformance;
mod credentials;
mod hostile_keys;
mod large_object;
mod queue;
mod slow_endpoints;
mod unreachable;
