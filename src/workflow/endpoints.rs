//! What a flow reads from, writes to and reports to.

use crate::events::queue::Source;
use crate::file_manager::{FileManager, ReadFeed, ReportResults};
use crate::record::SinkName;
use crate::s3::ReadBucket;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The doors that a flow goes through. A test brings its own.
#[derive(Clone)]
pub struct Doors {
    /// Where the objects are.
    pub bucket: Arc<dyn ReadBucket>,
    /// Where the files are to be.
    pub file_manager: Arc<dyn FileManager>,
    /// The endpoints of sinks that have one of their own. Every other sink is the file manager.
    pub other_sinks: BTreeMap<SinkName, Arc<dyn FileManager>>,
    /// What is emptied into the inbox at the beginning of a cycle, where nobody listens to it all the time.
    pub queues: Vec<Arc<dyn Source>>,
    /// What is read at the beginning of a cycle, if anything.
    pub feed: Option<Arc<dyn ReadFeed>>,
    /// Where the results are told, if anywhere.
    pub reports: Option<Arc<dyn ReportResults>>,
}

impl Doors {
    /// The endpoint of a sink.
    pub(super) fn of_sink(&self, name: &SinkName) -> Arc<dyn FileManager> {
        self.other_sinks.get(name).unwrap_or(&self.file_manager).clone()
    }
}
