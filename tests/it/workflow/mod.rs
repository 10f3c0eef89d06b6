//! The workflow in this process, between a bucket and a file manager that do what they are ordered: what it does about every fault,
//! what its state makes of a world that changed meanwhile, and how much it does at a time.

pub(crate) mod cycle;
mod defects;
mod endpoints;
mod faults;
mod lanes;
mod odd_answers;
mod odd_listings;
pub(crate) mod scene;
mod sinks;
mod state;
