//! The sinks that the settings can name. A new sink is one entry in [`KINDS`]; everything else reads this list.

use crate::apply::sink::{FileManagerSink, LocalDirSink, Sink};
use crate::config::Settings;
use crate::daemon::sink_endpoint;
use crate::file_manager::{Deadlines, HttpClient, HttpFileManager};
use crate::record::SinkName;
use crate::state::NamedSink;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Creates a sink that the settings name. Sends nothing.
type Create = for<'s> fn(&'s Settings, &'s HttpClient) -> BoxFuture<'s, Result<Arc<dyn Sink>, String>>;

/// A kind of sink. The settings name at most one sink of each kind.
pub(crate) struct SinkKind {
    /// The sink's name in flags, reports, metrics and the state, which stores it as name and as kind. It never changes.
    name: &'static str,
    /// The setting that names the sink: its declaration has `names_sink: true`.
    pub(crate) setting: &'static str,
    /// The address that identifies the sink, without secrets; `None` = the settings name no sink of this kind.
    address: fn(&Settings) -> Option<String>,
    create: Create,
}

/// All kinds. The first one that is configured is shown first.
static KINDS: [SinkKind; 2] = [FILE_MANAGER, MIRROR];

const FILE_MANAGER: SinkKind = SinkKind {
    name: "file_manager",
    setting: "FILE_MANAGER_API_URL",
    address: |settings| Some(settings.file_manager_url.as_ref()?.as_str().trim_end_matches('/').to_owned()),
    create: |settings, client| file_manager(settings, client).boxed(),
};

const MIRROR: SinkKind = SinkKind {
    name: "mirror",
    setting: "LOCAL_DOWNLOAD_DIR",
    address: |settings| Some(absolute(settings.local_download_dir.as_ref()?).display().to_string()),
    create: |settings, _| mirror(settings).boxed(),
};

/// The mirror's limit of an object's size where the operator sets none.
const MIRROR_MAX_BYTES: u64 = 1000 << 20;

#[expect(clippy::unused_async, reason = "a kind may have to connect")]
async fn file_manager(settings: &Settings, client: &HttpClient) -> Result<Arc<dyn Sink>, String> {
    let url = settings.file_manager_url.as_ref().ok_or("FILE_MANAGER_API_URL is not set")?;
    let token = settings.file_manager_token.clone();
    let file_manager = HttpFileManager::new(client, url, token, Deadlines::default()).map_err(|error| error.to_string())?;
    Ok(Arc::new(FileManagerSink::new(Arc::new(file_manager))))
}

#[expect(clippy::unused_async, reason = "a kind may have to connect")]
async fn mirror(settings: &Settings) -> Result<Arc<dyn Sink>, String> {
    let root = settings.local_download_dir.as_ref().ok_or("LOCAL_DOWNLOAD_DIR is not set")?;
    let max_file_bytes = settings.max_file_bytes.is_none().then_some(MIRROR_MAX_BYTES);
    Ok(Arc::new(LocalDirSink::new(&absolute(root), max_file_bytes)))
}

/// The path from the root of the file system: the state must not depend on the directory in which a command is run.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl SinkKind {
    /// The sink's name.
    pub(crate) fn name(&self) -> SinkName {
        self.name.parse().expect("invariant: a test checks every name")
    }

    /// The address of the sink that the settings name.
    pub(crate) fn address(&self, settings: &Settings) -> String {
        (self.address)(settings).unwrap_or_default()
    }

    /// The name of the sink's endpoint in `status` and `setup`.
    pub(crate) fn endpoint(&self) -> String {
        sink_endpoint(&self.name())
    }

    /// Creates the sink. Sends nothing.
    pub(crate) async fn create(&self, settings: &Settings, client: &HttpClient) -> Result<Arc<dyn Sink>, String> {
        (self.create)(settings, client).await
    }
}

/// The kind that is shown where no sink is configured.
pub(crate) fn first() -> &'static SinkKind {
    &KINDS[0]
}

/// The kinds of which the settings name a sink.
pub(crate) fn configured(settings: &Settings) -> impl Iterator<Item = &'static SinkKind> {
    KINDS.iter().filter(|kind| (kind.address)(settings).is_some())
}

/// The sinks that the settings name, for the identity of the state.
pub(crate) fn named(settings: &Settings) -> Vec<NamedSink> {
    configured(settings).map(|kind| NamedSink { name: kind.name(), kind: kind.name, address: kind.address(settings) }).collect()
}

/// The setting that names a sink.
pub(crate) fn setting_of(sink: &SinkName) -> &'static str {
    KINDS.iter().find(|kind| kind.name == sink.as_str()).map_or("the sink's setting", |kind| kind.setting)
}

/// Creates all sinks that the settings name.
pub(crate) async fn create_all(settings: &Settings, client: &HttpClient) -> Result<Vec<(SinkName, Arc<dyn Sink>)>, String> {
    let mut sinks = Vec::new();
    for kind in configured(settings) {
        sinks.push((kind.name(), kind.create(settings, client).await?));
    }
    Ok(sinks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TABLE;
    use std::collections::BTreeSet;

    /// A setting that names a sink and is not in this list would satisfy the commands that need a sink, and nothing would be synced.
    #[test]
    fn each_kind_has_a_name_of_its_own_and_exactly_the_declared_settings_name_sinks() {
        let names: BTreeSet<_> = KINDS.iter().map(SinkKind::name).collect();
        assert_eq!(names.len(), KINDS.len());
        let declared: BTreeSet<_> = TABLE.iter().filter(|declared| declared.names_sink).map(|declared| declared.name).collect();
        assert_eq!(declared, KINDS.iter().map(|kind| kind.setting).collect());
    }
}
