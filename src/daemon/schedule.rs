//! The schedules of runs: a tokio interval or a cron expression. Only this module uses the cron scheduler, and only its cron jobs: its
//! repeated jobs stop firing after a delay that is longer than their interval.

use super::{RunRequest, Shared};
use crate::config::Cron;
use crate::state::RunKind;
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At this interval.
    Every(Duration),
    /// At the times of a cron expression, in UTC.
    Cron(Cron),
}

/// The error for a cron expression that never fires.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {expression:?}: it never fires; give an expression that does")]
pub struct NeverFires {
    /// The name of the setting.
    pub name: &'static str,
    /// Its value.
    pub expression: String,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => write!(f, "every {} s", interval.as_secs()),
            Self::Cron(cron) => write!(f, "{} (UTC)", cron.as_str()),
        }
    }
}

impl Schedule {
    /// Returns an error if the schedule never fires. `name` is the name of the setting.
    pub async fn ensure_fires(&self, name: &'static str) -> Result<(), NeverFires> {
        let Self::Cron(cron) = self else { return Ok(()) };
        let mut timer = CronTimer::start(cron, Arc::default()).await.ok();
        let next = match &mut timer {
            Some(timer) => timer.next().await,
            None => None,
        };
        if let Some(timer) = timer {
            timer.stop().await;
        }
        next.map(drop).ok_or_else(|| NeverFires { name, expression: cron.as_str().to_owned() })
    }
}

/// Submits runs of one kind by a schedule. It submits none while its previous request waits or runs.
pub(super) async fn run(shared: Shared, (task, schedule): (&'static str, Schedule), kind: RunKind, mut may_begin: watch::Receiver<bool>) {
    shared.tasks.add(task, Some(schedule.to_string()));
    if may_begin.wait_for(|begun| *begun).await.is_err() {
        return;
    }
    match schedule {
        Schedule::Every(period) => {
            // The daemon runs at its start, so the first scheduled run is one interval later.
            let mut interval = tokio::time::interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            shared.tasks.next_after(task, period);
            loop {
                interval.tick().await;
                shared.tasks.next_after(task, period);
                submit(&shared, kind).await;
            }
        }
        Schedule::Cron(cron) => {
            let fired = Arc::new(Notify::new());
            let timer = match CronTimer::start(&cron, fired.clone()).await {
                Ok(timer) => timer,
                Err(error) => return tracing::error!(task, "the scheduler refuses the job: {error}"),
            };
            loop {
                shared.tasks.next(task, timer.next().await);
                fired.notified().await;
                submit(&shared, kind).await;
            }
        }
    }
}

async fn submit(shared: &Shared, kind: RunKind) {
    match shared.run_queue.submit(RunRequest::of(kind)) {
        Ok(handle) => drop(handle.ended().await),
        Err(error) => tracing::debug!(kind = kind.as_str(), "no run by schedule: {error}"),
    }
}

/// One cron job.
struct CronTimer {
    scheduler: JobScheduler,
    job: uuid::Uuid,
}

impl CronTimer {
    /// Starts a job that notifies `fired` at every time of the expression.
    async fn start(cron: &Cron, fired: Arc<Notify>) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let job = scheduler.add(Job::new(cron.as_str(), move |_, _| fired.notify_one())?).await?;
        scheduler.start().await?;
        Ok(Self { scheduler, job })
    }

    /// The next time; `None` = there is none.
    async fn next(&self) -> Option<Timestamp> {
        let mut scheduler = self.scheduler.clone();
        let next = scheduler.next_tick_for_job(self.job).await.ok().flatten()?;
        Timestamp::from_second(next.timestamp()).ok().filter(|next| *next > Timestamp::UNIX_EPOCH)
    }

    async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!("the scheduler does not stop: {error}");
        }
    }
}
