//! The endpoints of a flow: source, sinks, queues, feed and the receiver of reports.

use crate::apply::sink::Sink;
use crate::events::queue::EventQueue;
use crate::file_manager::{ReadFeed, ReportResults};
use crate::record::SinkName;
use crate::source::Source;
use std::sync::Arc;

/// The endpoints that a flow uses. Tests pass their own implementations.
#[derive(Clone)]
pub struct Endpoints {
    /// The source: the bucket.
    pub source: Arc<dyn Source>,
    /// The sinks, each with its name.
    pub sinks: Vec<(SinkName, Arc<dyn Sink>)>,
    /// The queues that a run drains into the inbox before its own work. Empty in the daemon, whose listeners receive from the queues.
    pub queues: Vec<Arc<dyn EventQueue>>,
    /// The feed that a run reads before its own work, if one is configured.
    pub feed: Option<Arc<dyn ReadFeed>>,
    /// The receiver of the reports, if one is configured.
    pub reports: Option<Arc<dyn ReportResults>>,
}

impl Endpoints {
    /// The sink of this name.
    pub(super) fn sink(&self, name: &SinkName) -> Arc<dyn Sink> {
        self.sinks.iter().find(|(of, _)| of == name).expect("invariant: each sink of a flow has an endpoint").1.clone()
    }
}
