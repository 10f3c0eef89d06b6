//! The simulated file manager by itself, for tests that need no history.

use super::file_manager::Api;
use super::op::ApiTrouble;
use super::sweeps::PLAIN;
use super::world::World;
use crate::memory_sink::SinkTrouble;
use bytes::Bytes;
use s3_sync::file_manager::FileManager;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A world whose file manager alone is used.
pub(crate) struct Alone(Arc<World>);

/// A new file manager, and the world behind it.
pub(crate) fn file_manager_alone() -> (Arc<dyn FileManager>, Alone) {
    let world = World::new(PLAIN);
    (Arc::new(Api::of_sink(&world, 0)), Alone(world))
}

impl Alone {
    /// The bytes of its files.
    pub(crate) fn files(&self) -> BTreeMap<String, Bytes> {
        self.0.lock().sinks[0].files.by_path.iter().map(|(path, file)| (path.clone(), file.content.clone())).collect()
    }

    /// Its next call meets this trouble.
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
