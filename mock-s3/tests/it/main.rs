//! The server as clients see it: with the official SDK over real HTTP, and over raw TCP where the SDK would hide the bytes.

mod harness;

mod archived;
mod binary;
mod buckets;
mod checksums;
mod credentials;
mod faults;
mod hostile_keys;
mod listing;
mod multipart;
mod objects;
