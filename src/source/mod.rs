//! Where things are: pages of a bucket, and single looks at keys. Retries live here, evidence too (rule: a 404 counts
//! only while the bucket is there). It stores nothing.

mod bucket;
mod lookup;

pub use bucket::Scan;
pub use lookup::{Looks, look_at, look_at_each};
