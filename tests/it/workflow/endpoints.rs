//! The endpoints of a scene, in a form that a test can change.

use super::scene::Program;
use s3_sync::apply::sink::{FileManagerSink, Sink};
use s3_sync::events::queue::EventQueue;
use s3_sync::file_manager::{FileManager, ReadFeed, ReportResults};
use s3_sync::record::SinkName;
use s3_sync::s3::ReadBucket;
use s3_sync::source::{BucketSource, Source};
use s3_sync::state::NamedSink;
use s3_sync::workflow::{Endpoints, Options};
use std::sync::Arc;

/// The endpoints of a scene. The flow gets them as source and sinks.
#[derive(Clone)]
pub(crate) struct SceneEndpoints {
    pub(crate) bucket: Arc<dyn ReadBucket>,
    pub(crate) file_manager: Arc<dyn FileManager>,
    pub(crate) queues: Vec<Arc<dyn EventQueue>>,
    pub(crate) feed: Option<Arc<dyn ReadFeed>>,
    pub(crate) reports: Option<Arc<dyn ReportResults>>,
    /// Replaces the bucket.
    pub(crate) source: Option<Arc<dyn Source>>,
    /// Replaces the file manager.
    pub(crate) sink: Option<Arc<dyn Sink>>,
    /// Beside it.
    pub(crate) more_sinks: Vec<(SinkName, Arc<dyn Sink>)>,
}

impl SceneEndpoints {
    /// The endpoints for a flow.
    pub(crate) fn of_flow(&self, options: &Options) -> Endpoints {
        let Self { bucket, file_manager, queues, feed, reports, source, sink, more_sinks } = self.clone();
        let source = source.unwrap_or_else(|| Arc::new(BucketSource::new(bucket, &options.bucket, &options.prefix)));
        let sink = sink.unwrap_or_else(|| Arc::new(FileManagerSink::new(file_manager)));
        let sinks = std::iter::once((SinkName::file_manager(), sink)).chain(more_sinks).collect();
        Endpoints { source, sinks, queues, feed, reports }
    }
}

impl Program {
    /// From now on there is a second sink.
    pub(crate) fn add_sink(&mut self, name: &str, sink: Arc<dyn Sink>) {
        let name: SinkName = name.parse().expect("a name");
        self.identity.sinks.push(NamedSink { name: name.clone(), kind: "memory", address: "memory".to_owned() });
        self.endpoints.more_sinks.push((name, sink));
    }
}
