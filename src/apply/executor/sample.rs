//! A sample of the deletes that the guard is about to hold: does the store still have these objects? Nothing is sent.

use super::drain::Executor;
use crate::apply::error::ApplyError;

/// How many keys are looked up. An incomplete listing shows in the first ones, and a hold must not take as long as the deletes.
const SAMPLED: usize = 10;

impl Executor {
    /// Looks up some of the keys that may be gone, and counts those that the listing missed: they are no deletes any more. The caller has no
    /// operation of the sink in flight.
    pub async fn sample_deletes(&self) -> Result<(), ApplyError> {
        let sample = self.state.deletes_sample(SAMPLED).await?;
        let missed = tokio::select! {
            biased;
            missed = self.context.look_up_sample(sample, self.permits.free()) => missed?,
            // A lookup that is not stored has no effect.
            () = self.stop_signal.stopped() => return Ok(()),
        };
        for (path, is_unchanged) in missed {
            self.counters.missed(&path, is_unchanged);
        }
        Ok(())
    }
}
