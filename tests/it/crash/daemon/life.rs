//! One daemon from its start to its kill.

use super::moment::{Came, Moment, Since, hanging};
use super::workload::{When, Workload};
use crate::crash::process::{Process, Vain};
use crate::crash::random::Random;
use crate::crash::scene::Scene;
use std::time::Duration;

/// The command that requests a cycle.
pub(super) const CYCLE: &str = "incremental-sync";

/// Without schedules: every run after the first cycle was requested.
pub(super) fn settings(events_url: &str) -> [(&str, &str); 5] {
    [("EVENTS_API_URL", events_url), ("SYNC_INTERVAL", "86400"), ("RECONCILE_CRON", "off"), ("RETRY_ATTEMPTS", "2"), ("CONCURRENCY", "4")]
}

/// The plan for one daemon, chosen before its start.
pub(super) struct Life {
    pub(super) moment: Moment,
    /// Events that the feed adds while the daemon probes its endpoints.
    pub(super) events_amid: usize,
    /// The command that requests a second run, during which the kill happens.
    pub(super) asked: Option<&'static str>,
    /// True if a hanging call ends without an answer; false if the daemon is killed while it hangs.
    pub(super) hanging_ends: bool,
    /// The delay of the kill.
    pub(super) late: Duration,
}

impl Life {
    pub(super) fn draw(random: &mut Random, events: usize, reconciles: bool) -> Self {
        let amid = random.percent(30);
        let command = if reconciles && random.percent(50) { "reconcile" } else { CYCLE };
        let asked = random.percent(10).then_some(command);
        let moment = Moment::draw(random);
        // A daemon that was just started needs a longer delay to have done anything.
        let spread = if matches!(moment, Moment::Started) { 60_000 } else { 2_000 };
        Self {
            moment,
            events_amid: if amid || asked.is_some() { events } else { 0 },
            // A failpoint that holds the first run would prevent the second one.
            asked: asked.filter(|_| moment.fail_point().is_none()),
            hanging_ends: random.percent(50),
            late: Duration::from_micros(random.below(spread) as u64),
        }
    }

    /// Runs it, and returns the moment of its kill.
    pub(super) async fn live(&self, scene: &Scene, workload: &mut Workload) -> Result<&'static str, Vain> {
        let mut daemon = start(scene, self.moment.fail_point().as_deref());
        let came = self.until_the_end(scene, workload, &mut daemon).await?;
        // The moment is an event; the delay after it is arbitrary.
        tokio::time::sleep(self.late).await;
        daemon.kill().await;
        Ok(match came {
            Came::Itself => self.moment.kind(),
            Came::RunEnded => Moment::RunEnded.kind(),
            Came::Hanging => "while a call hangs",
        })
    }

    async fn until_the_end(&self, scene: &Scene, workload: &mut Workload, daemon: &mut Process) -> Result<Came, Vain> {
        let up_to = workload.len() + self.events_amid;
        let mut since = Since::now(scene);
        let mut asking = None;
        if let Some(command) = self.asked {
            let came = self.wait(Moment::RunEnded, scene, daemon, &mut since).await?;
            if came != Came::Itself {
                return Ok(came);
            }
            since = Since::now(scene);
            let url = scene.events_url();
            asking = Some(scene.start(&[command], &settings(&url)));
        }
        if up_to > workload.len() {
            // The next step happens during its run: it reads the feed or begins to, or it lists.
            let begins = if self.asked == Some(CYCLE) { Moment::FeedAsked } else { Moment::EndpointProbed };
            let came = self.wait(begins, scene, daemon, &mut since).await?;
            workload.go_on(scene, up_to, When::Amid);
            if came != Came::Itself {
                return Ok(came);
            }
        }
        let came = self.wait(self.moment, scene, daemon, &mut since).await;
        drop(asking);
        came
    }

    async fn wait(&self, moment: Moment, scene: &Scene, daemon: &mut Process, since: &mut Since) -> Result<Came, Vain> {
        loop {
            let came = moment.come(scene, daemon, since).await?;
            if came != Came::Hanging || !self.hanging_ends {
                return Ok(came);
            }
            since.released = hanging(&scene.file_manager().calls());
            scene.file_manager().release_hanging();
        }
    }
}

pub(super) fn start(scene: &Scene, fail_point: Option<&str>) -> Process {
    let url = scene.events_url();
    let held = fail_point.map(|at| ("S3_SYNC_FAILPOINT", at));
    scene.start(&["daemon"], &settings(&url).into_iter().chain(held).collect::<Vec<_>>())
}
