//! When runs begin by themselves: by an interval of tokio's, or by a cron expression. The only place that names the cron scheduler,
//! and of it only cron jobs: its own repeated jobs never fire again after a stall that is longer than their interval.

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

/// When something comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// So long after it last began.
    Every(Duration),
    /// At the moments of an expression, in UTC.
    Cron(Cron),
}

/// An expression that names no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {expression:?}: no such moment ever comes; give an expression that has one")]
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
    /// Whether it ever comes; `name` is the setting that says when.
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

/// Gives orders of one kind at the moments of a schedule, one at a time: while its order waits or runs, it gives no other.
pub(super) async fn run(shared: Shared, (task, schedule): (&'static str, Schedule), kind: RunKind, mut may_begin: watch::Receiver<bool>) {
    shared.tasks.add(task, Some(schedule.to_string()));
    if may_begin.wait_for(|begun| *begun).await.is_err() {
        return;
    }
    match schedule {
        Schedule::Every(period) => {
            // The first run is the one that the daemon began with.
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
                Err(error) => return tracing::error!(task, "the scheduler takes no job: {error}"),
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
    /// Notifies at every moment of the expression.
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
            tracing::debug!("the scheduler does not end: {error}");
        }
    }
}
