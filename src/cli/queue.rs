//! The queue of notifications as a task of the daemon: fills the inbox, wakes a cycle, and says when it is shut.

use super::doors;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::daemon::{Source, SourceContext};
use crate::events::decode::Scope;
use crate::events::queue::{Inbox, QueueReader};
use crate::state::{SourceName, State};
use async_trait::async_trait;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use url::Url;

/// One queue.
pub(super) struct Queue {
    settings: Settings,
    url: Url,
    state: State,
}

impl Queue {
    /// Nothing is received yet.
    pub(super) fn new(settings: &Settings, url: &Url, state: State) -> Self {
        Self { settings: settings.clone(), url: url.clone(), state }
    }
}

#[async_trait]
impl Source for Queue {
    fn name(&self) -> &'static str {
        SourceName::Sqs.as_str()
    }

    async fn run(&self, context: &SourceContext) -> Result<(), String> {
        let bucket = self.settings.require_bucket().map_err(|error| error.to_string())?;
        let inbox = Inbox {
            scope: Scope::new(bucket, &self.settings.source.prefix),
            most: u64::try_from(self.settings.inbox_max.get()).unwrap_or(u64::MAX),
            clock: Arc::new(SystemClock),
        };
        let queue = doors::queue(&self.settings, &self.url).await;
        let reader = QueueReader::new(Arc::new(queue), SourceName::Sqs, self.state.clone(), inbox);
        let (mut arrivals, mut status, stop) = (self.state.arrivals(), reader.status(), CancellationToken::new());
        let reading = reader.run(&stop);
        tokio::pin!(reading);
        loop {
            tokio::select! {
                () = &mut reading => return Ok(()),
                () = context.halt.stopped(), if !stop.is_cancelled() => stop.cancel(),
                Ok(()) = arrivals.changed() => context.wake.call(),
                Ok(()) = status.changed() => {
                    let shut = status.borrow_and_update().shut.clone();
                    context.trouble(shut.map(|(why, since)| format!("{why} (since {since})")));
                }
            }
        }
    }
}
