//! The schedules of runs: a tokio interval or a cron expression. The only user of the cron scheduler, and only of its cron jobs: its
//! repeated jobs never fire again after a stall that is longer than their interval.

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
    /// This long after the last start.
    Every(Duration),
    /// At the moments of an expression, in UTC.
    Cron(Cron),
}

/// An expression that never fires.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {expression:?}: it never fires; give an expression that does")]
pub struct NeverFires {
    /// The setting.
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
    /// Returns an error if it never fires; `name` is its setting.
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

/// Requests runs of one kind by a schedule, one at a time: it makes no request while its last one waits or runs.
pub(super) async fn run(shared: Shared, (task, schedule): (&'static str, Schedule), kind: RunKind, mut may_begin: watch::Receiver<bool>) {
    shared.tasks.add(task, Some(schedule.to_string()));
    if may_begin.wait_for(|begun| *begun).await.is_err() {
        return;
    }
    match schedule {
        Schedule::Every(period) => {
            // The daemon's start was the first run.
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
    /// Notifies `fired` at every moment of the expression.
    async fn start(cron: &Cron, fired: Arc<Notify>) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let job = scheduler.add(Job::new(cron.as_str(), move |_, _| fired.notify_one())?).await?;
        scheduler.start().await?;
        Ok(Self { scheduler, job })
    }

    /// The next moment; `None` = there is none.
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
