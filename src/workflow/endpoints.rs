//! The endpoints that a flow reads from, writes to and reports to.

use crate::apply::sink::Sink;
use crate::events::queue::EventQueue;
use crate::file_manager::{ReadFeed, ReportResults};
use crate::record::SinkName;
use crate::source::Source;
use std::sync::Arc;

/// The endpoints that a flow uses. A test brings its own.
#[derive(Clone)]
pub struct Endpoints {
    /// The bucket, which has the objects.
    pub source: Arc<dyn Source>,
    /// The sinks, which receive the files: each by its name.
    pub sinks: Vec<(SinkName, Arc<dyn Sink>)>,
    /// The queues that a cycle drains into the inbox at its beginning, if no process receives from them all the time.
    pub queues: Vec<Arc<dyn EventQueue>>,
    /// The feed that a cycle reads at its beginning, if there is one.
    pub feed: Option<Arc<dyn ReadFeed>>,
    /// The receiver of the results, if there is one.
    pub reports: Option<Arc<dyn ReportResults>>,
}

impl Endpoints {
    /// The endpoint of a sink.
    pub(super) fn sink(&self, name: &SinkName) -> Arc<dyn Sink> {
        self.sinks.iter().find(|(of, _)| of == name).expect("invariant: each sink of a flow has an endpoint").1.clone()
    }
}
