//! The incremental sync, between a bucket in memory and the file manager's double behind HTTP.

mod defects;
mod oracle;
mod queued;
mod spellings;
mod table;
mod trouble;

use super::scene::{Scene, in_memory, key};
use s3_sync::s3::MemoryBucket;
use serde_json::{Value, json};
use std::sync::Arc;

/// A bucket and a file manager with the same files; each file's content is its name. The log of calls is empty.
pub(crate) async fn in_sync(names: &[&str]) -> (Arc<MemoryBucket>, Scene) {
    filled(in_memory().await, names).await
}

/// The same in an existing scene.
async fn filled((bucket, scene): (Arc<MemoryBucket>, Scene), names: &[&str]) -> (Arc<MemoryBucket>, Scene) {
    for name in names {
        bucket.put(key(name), (*name).to_owned());
    }
    scene.run_to_success().await;
    scene.api.api().reset_calls();
    (bucket, scene)
}

/// Renames an object, which keeps its content.
pub(crate) fn rename(bucket: &MemoryBucket, from: &str, to: &str, content: &str) {
    bucket.remove(&key(from));
    bucket.put(key(to), content.to_owned());
}

/// An event of the feed, at this second.
pub(crate) fn event(kind: &str, second: u32, path: &str) -> Value {
    json!({"event_type": kind, "file_path": path, "new_path": null, "metadata": null, "timestamp": format!("2024-01-15T10:00:{second:02}Z")})
}

pub(crate) fn renamed(second: u32, from: &str, to: &str) -> Value {
    let mut event = event("rename", second, from);
    event["new_path"] = json!(to);
    event
}

fn permissions(second: u32, path: &str, mode: &str) -> Value {
    let mut event = event("change_permission", second, path);
    event["metadata"] = json!({"permissions": mode});
    event
}

/// The effects at the file manager since the log was reset: `create a`, `rename a>b`, `set a`. Sorted.
pub(crate) fn effects(scene: &Scene) -> Vec<String> {
    let mut effects = calls(scene);
    effects.retain(|call| !call.starts_with("get "));
    effects.sort();
    effects
}

/// The calls about files, in order of arrival.
fn calls(scene: &Scene) -> Vec<String> {
    let calls = scene.api.api().calls().into_iter();
    calls
        .filter_map(|call| {
            let (operation, path) = (call.operation?, call.path?);
            Some(call.new_path.map_or_else(|| format!("{operation} {path}"), |new_path| format!("{operation} {path}>{new_path}")))
        })
        .collect()
}
