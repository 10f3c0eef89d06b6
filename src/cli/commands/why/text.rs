//! `why` as text: the history, the current state, and the answer.

use super::document::{AppliedFile, EventWaiting, Explanation, InBucket, Pending, UnfinishedEffect};
use super::past::{Found, HistoryLine, PastEvent, PastOperation};
use crate::daemon::sink_endpoint;
use crate::record::{ETag, Escaped, Permissions, SinkName};
use jiff::Timestamp;
use std::fmt::{self, Formatter, Write as _};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "key           {}", self.key)?;
        self.entry().iter().try_for_each(|line| writeln!(f, "{line}"))?;
        self.events_waiting.iter().try_for_each(|event| writeln!(f, "{event}"))?;
        match &self.bucket {
            Some(bucket) => writeln!(f, "bucket        {bucket}")?,
            None => writeln!(f, "bucket        never observed")?,
        }
        let main = self.main_sink();
        match &self.file_manager {
            Some(held) => writeln!(f, "{:<13} {held}", sink_endpoint(&main))?,
            None => writeln!(f, "{:<13} has nothing there that we know of", sink_endpoint(&main))?,
        }
        for told in &self.permissions_told {
            writeln!(f, "reported      {} {}, for {}", told.field, Escaped(&told.value), told.at)?;
        }
        self.open_effects.iter().try_for_each(|effect| writeln!(f, "open          {effect}"))?;
        if let Some(pending) = &self.pending {
            writeln!(f, "pending       {pending}")?;
        }
        // The lines above describe the main sink.
        for (name, sink) in self.sinks.iter().filter(|(name, _)| **name != main) {
            match &sink.held {
                Some(held) => writeln!(f, "sink          {name}: {held}")?,
                None => writeln!(f, "sink          {name}: has nothing there that we know of")?,
            }
            sink.open_effects.iter().try_for_each(|effect| writeln!(f, "  open        {effect}"))?;
            if let Some(pending) = &sink.pending {
                writeln!(f, "  pending     {pending}")?;
            }
            writeln!(f, "  answer      {}", sink.answer)?;
        }
        write!(f, "answer        {}", self.answer)
    }
}

impl Explanation {
    /// The history, one line per entry, oldest first.
    fn entry(&self) -> Vec<String> {
        let other_names = self.history.iter().any(|line| line.path != self.key || line.new_path.is_some());
        let mut lines: Vec<_> = self.history.iter().map(|line| line.text(other_names, self.sinks.len() > 1)).collect();
        if let Some((at, run)) = self.unrecorded_upload() {
            let place = self.history.iter().take_while(|line| line.at.is_some_and(|earlier| earlier <= at)).count();
            let confirmed = format!("{}{} confirmed it, at the first attempt", moment(Some(at), run), self.main_sink().in_words());
            lines.insert(place, confirmed);
        }
        lines
    }

    fn main_sink(&self) -> SinkName {
        self.main_sink.clone().unwrap_or_else(SinkName::file_manager)
    }

    /// When the file was confirmed, if the history has no entry for it. An upload of the initial sync that succeeds at once is not stored
    /// in the history.
    fn unrecorded_upload(&self) -> Option<(Timestamp, u64)> {
        let (at, run) = self.file_manager.as_ref().and_then(|held| held.at.zip(held.run))?;
        let is_recorded = self.history.iter().any(|line| line.run == run && line.operation.is_some());
        (!is_recorded).then_some((at, run))
    }
}

fn moment(at: Option<Timestamp>, run: u64) -> String {
    let at = at.map_or_else(|| "at some time".to_owned(), |at| at.to_string());
    format!("{at}  run {run}: ")
}

impl HistoryLine {
    fn text(&self, named: bool, several_sinks: bool) -> String {
        let mut text = moment(self.at, self.run);
        if let Some(sink) = self.sink.as_ref().filter(|_| several_sinks) {
            text.push_str(sink.as_str());
            text.push_str(": ");
        }
        let written = match (&self.event, &self.operation) {
            (Some(event), _) => write!(text, "{event}"),
            (_, Some(operation)) => write!(text, "{operation}"),
            _ => Ok(()),
        };
        let whose = match &self.new_path {
            Some(new_path) => write!(text, " [{} -> {new_path}]", self.path),
            None if named => write!(text, " [{}]", self.path),
            None => Ok(()),
        };
        written.and(whose).expect("invariant: a String takes every write");
        text
    }
}

impl fmt::Display for PastEvent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} reported {}", self.source, self.kind)?;
        if let Some(told_at) = self.told_at {
            write!(f, " for {told_at}")?;
        }
        write_permissions(f, ", ", &self.permissions)?;
        write!(f, " (received {})", self.received_at)?;
        match (&self.found, &self.found_at_new_path) {
            (Some(found), None) => write!(f, ": a lookup showed {found}"),
            (Some(found), Some(new)) => write!(f, ": a lookup showed {found}, and at the new name {new}"),
            (None, _) => write!(f, ": became a dead letter: {}", Escaped(self.message.as_deref().unwrap_or_default())),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.present { write_content(f, self.size, self.etag.as_ref()) } else { f.write_str("nothing") }
    }
}

impl fmt::Display for PastOperation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.effect.unwrap_or("operation"), self.result.replace('_', " "))?;
        if self.told == Some(false) {
            write!(f, " (no event reported it: the contents are the same)")?;
        }
        if self.size.is_some() || self.etag.is_some() {
            write!(f, ", ")?;
            write_content(f, self.size, self.etag.as_ref())?;
        }
        if let Some(id) = &self.internal_id {
            write!(f, ", id {}", Escaped(id))?;
        }
        write_permissions(f, ", ", &self.permissions)?;
        if self.attempts > 0 {
            write!(f, ", {} {}", self.attempts, if self.attempts == 1 { "attempt" } else { "attempts" })?;
        }
        if let Some(failure) = &self.last_failure {
            write!(f, ", last failure {} ({})", failure.reason, Escaped(&failure.message))?;
        }
        if let Some(next) = self.next_attempt {
            write!(f, ", next attempt {next}")?;
        }
        match (&self.idempotency_key, self.decided_in_run) {
            (Some(key), Some(run)) => write!(f, "; decided in run {run}, key {key}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for EventWaiting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}  waits: {} reported {}", self.received_at, self.source, self.kind)?;
        if self.failures > 0 {
            write!(f, ", could not be looked up in {} {}", self.failures, if self.failures == 1 { "cycle" } else { "cycles" })?;
        }
        match &self.new_path {
            Some(new_path) => write!(f, " [{} -> {new_path}]", self.path),
            None => Ok(()),
        }
    }
}

impl fmt::Display for InBucket {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.present {
            return write!(f, "nothing there, at observation {}", self.look);
        }
        write_content(f, self.size, self.etag.as_ref())?;
        if let Some(class) = &self.storage_class {
            write!(f, ", {}", Escaped(class))?;
        }
        if let Some(time) = self.last_modified {
            write!(f, ", last modified {time}")?;
        }
        write!(f, ", at observation {}", self.look)
    }
}

impl fmt::Display for AppliedFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.confirmed {
            f.write_str("unconfirmed: ")?;
        }
        write_content(f, self.size, self.etag.as_ref())?;
        if let Some(id) = &self.internal_id {
            write!(f, ", id {}", Escaped(id))?;
        }
        write_permissions(f, ", ", &self.permissions)?;
        match (self.run, self.at) {
            (Some(run), Some(at)) => write!(f, ", confirmed in run {run} at {at}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for UnfinishedEffect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.effect, self.path)?;
        if let Some(new_path) = &self.new_path {
            write!(f, " -> {new_path}")?;
        }
        write!(f, ", decided in run {}, key {}", self.decided_in_run, self.idempotency_key)
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.status)?;
        if self.deletion {
            f.write_str(", absent from the bucket")?;
        }
        if let Some(reason) = &self.reason {
            write!(f, ", {reason}")?;
        }
        if self.failed_runs > 0 {
            write!(f, ", failed runs {}", self.failed_runs)?;
        }
        if let Some(next) = self.next_attempt {
            write!(f, ", next attempt {next}")?;
        }
        Ok(())
    }
}

fn write_content(f: &mut Formatter<'_>, size: Option<u64>, etag: Option<&ETag>) -> fmt::Result {
    match size {
        Some(size) => write!(f, "{size} bytes")?,
        None => f.write_str("content of unknown size")?,
    }
    match etag {
        Some(etag) => write!(f, ", ETag {etag}"),
        None => Ok(()),
    }
}

fn write_permissions(f: &mut Formatter<'_>, before: &str, permissions: &Permissions) -> fmt::Result {
    let fields = [("permissions", &permissions.permissions), ("owner", &permissions.owner), ("group", &permissions.group)];
    for (name, value) in fields {
        if let Some(value) = value {
            write!(f, "{before}{name} {}", Escaped(value))?;
        }
    }
    Ok(())
}
