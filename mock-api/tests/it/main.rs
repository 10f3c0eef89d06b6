//! The test double over real HTTP: every row of the contract, the ledger, the faults, truncated bodies. Pure code has unit tests.

mod binary;
mod client;
mod cut_bodies;
mod faults;
mod feed_and_reports;
mod hostile_names;
mod inspection;
mod ledger;
mod permissions;
mod save_to_disk;
mod token;
