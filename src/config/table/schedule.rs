//! The settings of the daemon's schedule.

use crate::config::cron::{self, Cron, CronOrOff};
use crate::config::declared::{Declared, Group, PLAIN, Setting};
use crate::config::values;
use std::time::Duration;

const SCHEDULE: Declared = Declared { group: Group::Schedule, ..PLAIN };

const CRON: &str = "six fields `second minute hour day month weekday` (five begin with the minute), such as `0 */5 * * * *`";

pub(in crate::config) static SYNC_INTERVAL: Setting<Duration> = Setting {
    declared: Declared {
        name: "SYNC_INTERVAL",
        default: Some("300"),
        accepted: "a whole number of seconds from 1 to 86400",
        doc: "Seconds from the start of one cycle of the daemon to the start of the next. When a cycle takes longer, the next one follows at once; cycles never pile up. Not used when `SYNC_CRON` is set.",
        ..SCHEDULE
    },
    parse: values::seconds::<1, 86_400>,
};

pub(in crate::config) static SYNC_CRON: Setting<Cron> = Setting {
    declared: Declared {
        name: "SYNC_CRON",
        accepted: CRON,
        doc: "When the daemon starts a cycle, as a cron expression, in UTC. Not set: every `SYNC_INTERVAL` seconds.",
        ..SCHEDULE
    },
    parse: cron::cron,
};

pub(in crate::config) static RECONCILE_CRON: Setting<CronOrOff> = Setting {
    declared: Declared {
        name: "RECONCILE_CRON",
        default: Some("0 0 3 * * *"),
        accepted: "six fields `second minute hour day month weekday` (five begin with the minute), such as `0 */5 * * * *`, or `off`",
        doc: "When the daemon lists the whole bucket again, to repair what no event reported, as a cron expression, in UTC. `off`: never.",
        ..SCHEDULE
    },
    parse: cron::cron_or_off,
};
