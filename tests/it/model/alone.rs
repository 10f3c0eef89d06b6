//! The simulated endpoints individually, for tests without a history.

use super::bucket::Bucket;
use super::file_manager::Api;
use super::op::{ApiTrouble, Condition, S3Trouble, Setup};
use super::sweeps::PLAIN;
use super::world::World;
use crate::memory_sink::SinkTrouble;
use bytes::Bytes;
use s3_sync::file_manager::FileManager;
use s3_sync::record::ObjectKey;
use s3_sync::s3::ReadBucket;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A world in which only one endpoint is used.
pub(crate) struct Alone(Arc<World>);

/// A new file manager and its world.
pub(crate) fn file_manager_alone() -> (Arc<dyn FileManager>, Alone) {
    let world = World::new(PLAIN);
    (Arc::new(Api::of_sink(&world, 0)), Alone(world))
}

/// A new bucket and its world.
pub(crate) fn bucket_alone(honours_if_match: bool) -> (Arc<dyn ReadBucket>, Alone) {
    let world = World::new(Setup { honours_if_match, ..PLAIN });
    (Arc::new(Bucket(world.clone())), Alone(world))
}

impl Alone {
    /// Puts an object into the bucket.
    pub(crate) fn put(&self, key: ObjectKey, body: Vec<u8>) {
        self.0.bucket.put(key, body);
    }

    /// Removes the bucket.
    pub(crate) fn lose_the_bucket(&self) {
        self.0.lock().present = false;
    }

    /// Makes the next call's body break off.
    pub(crate) fn break_the_next_body(&self) {
        self.0.lock().s3_trouble.push_back(S3Trouble::BrokenBody);
    }

    /// Makes the file manager unreachable.
    pub(crate) fn make_unreachable(&self) {
        self.0.lock().sinks[0].condition = Condition::Unreachable;
    }

    /// The contents of its files.
    pub(crate) fn files(&self) -> BTreeMap<String, Bytes> {
        self.0.lock().sinks[0].files.by_path.iter().map(|(path, file)| (path.clone(), file.content.clone())).collect()
    }

    /// Orders this trouble for its next call.
    pub(crate) fn order(&self, trouble: SinkTrouble) {
        let trouble = match trouble {
            SinkTrouble::Refuses => ApiTrouble::Refused,
            SinkTrouble::BreaksBefore => ApiTrouble::Reset,
            SinkTrouble::BreaksAfter => ApiTrouble::EffectThenReset,
            SinkTrouble::Hangs => ApiTrouble::Timeout,
        };
        self.0.lock().api_trouble.push_back(trouble);
    }
}
