//! The real workflow over a Ceph RADOS Gateway, and its own notifications. `make soak-rgw` starts a small cluster and runs these.
//!
//! The gateway posts its notifications to a webhook; the relay of these tests sends them on to a queue of moto. What the gateway itself
//! refuses or does differently stands in the tests, so that a change in it is noticed.

mod gateway;
mod relay;

mod arrivals;
mod conformance;
mod notifications;
