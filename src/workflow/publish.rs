//! Publishing: posts the report of a run to the events API.

use super::flow::Flow;
use crate::events::feed::hint;
use crate::file_manager::FileManagerError;
use crate::report::Report;
use std::time::Duration;
use tokio::time::timeout;

/// The time limit for posting a report, retries included: the next run waits for it.
const POST_TIMEOUT: Duration = Duration::from_secs(20);

impl Flow {
    /// Posts the report, if a receiver is configured. Returns the reason if it was not accepted.
    pub(super) async fn post(&self, report: &Report) -> Option<String> {
        let reports = self.endpoints.reports.as_ref()?;
        let body = match serde_json::to_value(report) {
            Ok(body) => body,
            Err(error) => return Some(error.to_string()),
        };
        let with_hint = |error: FileManagerError| format!("{error} ({}; it went to EVENTS_API_URL)", hint(&error));
        let post = async {
            match timeout(POST_TIMEOUT, self.options.retry.run(|| reports.report_results(&body))).await {
                Ok(answered) => answered.err().map(with_hint),
                Err(_) => Some(format!("no usable answer within {} s (it went to EVENTS_API_URL)", POST_TIMEOUT.as_secs())),
            }
        };
        let out_of_grace = async {
            self.stop_signal.stopped().await;
            // After an endpoint stopped the run, the report has the whole grace: the operations in flight may have consumed the time since
            // the stop.
            if self.stop_signal.cause().is_some() {
                tokio::time::sleep(self.options.grace).await;
            } else {
                self.stop_signal.out_of_grace(self.options.grace).await;
            }
        };
        tokio::select! {
            biased;
            refused = post => refused,
            () = out_of_grace => Some("the run was stopped while it was on its way (nothing is wrong with it)".to_owned()),
        }
    }
}
