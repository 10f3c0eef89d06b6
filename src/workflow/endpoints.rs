//! What a flow reads from, writes to and reports to.

use crate::apply::sink::Sink;
use crate::events::queue::EventQueue;
use crate::file_manager::{ReadFeed, ReportResults};
use crate::record::SinkName;
use crate::source::Source;
use std::sync::Arc;

/// The doors that a flow goes through. A test brings its own.
#[derive(Clone)]
pub struct Endpoints {
    /// Where the objects are.
    pub source: Arc<dyn Source>,
    /// Where the files are to be: each sink by its name.
    pub sinks: Vec<(SinkName, Arc<dyn Sink>)>,
    /// What is emptied into the inbox at the beginning of a cycle, where nobody listens to it all the time.
    pub queues: Vec<Arc<dyn EventQueue>>,
    /// What is read at the beginning of a cycle, if anything.
    pub feed: Option<Arc<dyn ReadFeed>>,
    /// Where the results are told, if anywhere.
    pub reports: Option<Arc<dyn ReportResults>>,
}

impl Endpoints {
    /// The endpoint of a sink.
    pub(super) fn sink(&self, name: &SinkName) -> Arc<dyn Sink> {
        self.sinks.iter().find(|(of, _)| of == name).expect("invariant: each sink of a flow has an endpoint").1.clone()
    }
}
