//! `status` as text.

use super::{LastReconcile, PendingLine, RunLine, Status};
use crate::cli::daemon_client;
use crate::daemon::Task;
use crate::record::{Escaped, SinkName};
use std::fmt;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "status        {}", self.service_status.as_str())?;
        for problem in &self.problems {
            writeln!(f, "              - {problem}")?;
        }
        writeln!(f, "bucket        {}", self.customer_bucket.as_deref().unwrap_or("(not set)"))?;
        match self.configured_sinks.as_slice() {
            [] => writeln!(f, "sink          (not set)")?,
            sinks => sinks.iter().try_for_each(|(endpoint, address)| writeln!(f, "{endpoint:<13} {}", Escaped(address)))?,
        }
        writeln!(f, "events API    {}", self.api_endpoints.mock_api.as_deref().unwrap_or("(not set)"))?;
        writeln!(f, "database      {}", Escaped(&self.database_path))?;
        let main = self.main_sink.clone().unwrap_or_else(SinkName::file_manager);
        write!(f, "files         {} confirmed by {}", self.database_records.saturating_sub(self.unconfirmed), main.in_words())?;
        if self.unconfirmed > 0 {
            write!(f, ", {} in doubt until they are checked", self.unconfirmed)?;
        }
        if let Some(holder) = &self.in_use_by {
            write!(f, "\nin use by     {holder}")?;
        }
        if self.daemon.is_none() && self.in_use_by.as_ref().is_none_or(|holder| holder.command != daemon_client::DAEMON) {
            write!(f, "\ndaemon        none runs")?;
        }
        if let Some(next) = self.next_run {
            write!(f, "\nnext run      {next}, by itself")?;
        }
        if let Some(LastReconcile { run, ended_at, outcome }) = &self.last_reconcile {
            let (ended_at, outcome) = (ended_at.as_deref().unwrap_or("?"), outcome.as_deref().unwrap_or("?"));
            write!(f, "\nreconcile     the last one ended {ended_at}: run {run}, {outcome}")?;
        }
        if self.inbox > 0 {
            write!(f, "\ninbox         {} for the next cycle", counted(self.inbox, "event"))?;
        }
        if self.dead_letters > 0 {
            let letters = counted(self.dead_letters, "event");
            write!(f, "\ndead letters  {letters} that could not be used: `s3-sync dead-letters list` shows them")?;
        }
        if let Some(daemon) = &self.daemon {
            daemon.endpoints.iter().try_for_each(|endpoint| write!(f, "\nendpoint      {endpoint}"))?;
            daemon.tasks.iter().try_for_each(|task| write_task(f, task))?;
        }
        self.pending.iter().try_for_each(|line| write!(f, "\n{line}"))?;
        // The lines above describe the main sink.
        for (name, sink) in self.sinks.iter().filter(|(name, _)| **name != main) {
            let confirmed = counted(sink.records.saturating_sub(sink.unconfirmed), "file");
            write!(f, "\nsink          {name}: {confirmed} confirmed, {} in doubt", sink.unconfirmed)?;
            sink.pending.iter().try_for_each(|line| write!(f, "\n  {line}"))?;
        }
        self.runs.iter().try_for_each(|run| write!(f, "\n{run}"))
    }
}

impl fmt::Display for PendingLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.deletion, self.status.as_str()) {
            (true, "held") => "absent from the bucket, and more than the guard lets go (MAX_DELETE)",
            (true, _) => "absent from the bucket",
            (false, _) => self.reason.as_deref().unwrap_or("to be sent"),
        };
        write!(f, "{:<13} {} {what}", self.status, self.paths)?;
        // The message of a failure contains its path.
        if let Some(example) = self.message.as_ref().filter(|_| self.status == "parked").or(self.example.as_ref()) {
            write!(f, ", for example {example}")?;
        }
        match &self.next_attempt {
            Some(next) => write!(f, "; next attempt {next}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RunLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.as_deref().unwrap_or("not ended");
        write!(f, "run {:<9} {} {outcome}, began {}", self.run, self.kind, self.started_at.as_deref().unwrap_or("?"))
    }
}

/// `1 event`, `2 events`.
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Writes a task. The text from the daemon needs no escaping: keys and messages in it were escaped when they were recorded.
fn write_task(f: &mut fmt::Formatter<'_>, task: &Task) -> fmt::Result {
    let schedule = task.schedule.as_deref().map(|schedule| format!(", {schedule}")).unwrap_or_default();
    write!(f, "\ntask          {}: {}{schedule}", task.name_in_words(), task.status)?;
    if let Some(result) = &task.last_result {
        write!(f, "; last: {result}")?;
    }
    match task.next {
        Some(next) => write!(f, "; next {next}"),
        None => Ok(()),
    }
}
