//! The summary: the report as text, printed at the end of a command.

use super::Report;
use super::parts::Operations;
use super::sink::SinkReport;
use crate::plan::SkipReason;
use crate::record::SinkName;
use indicatif::{HumanBytes, HumanCount};
use std::fmt;

/// Where a sink keeps files of others that had to make way.
const KEPT_IN: &str = ".s3-sync/kept of its directory";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.success, self.dead_letters) {
            (false, _) => "NOT in sync yet".to_owned(),
            (true, 0) => "in sync".to_owned(),
            (true, _) if self.flow() != "cycle" => "in sync".to_owned(),
            (true, dead_letters) => format!("in sync, except for {},", counted(dead_letters, "dead letter")),
        };
        writeln!(f, "{}, run {}: {verdict} after {:.1} s", self.flow(), self.run, self.duration_seconds)?;
        self.write_observed(f)?;
        self.write_applied(f)?;
        if self.unverified > 0 {
            writeln!(f, "  verified  all but {}: the store gave no checksum for these, only their length was compared", self.unverified)?;
        }
        if self.changed_by_others > 0 {
            writeln!(f, "  changed   {} that others had changed or deleted: written again", counted(self.changed_by_others, "file"))?;
        }
        if self.kept > 0 {
            writeln!(f, "  kept      {} that this service did not write: in {KEPT_IN}", counted(self.kept, "file"))?;
        }
        for (reason, count) in &self.skipped {
            let hint = SkipReason::from_word(reason).map(SkipReason::hint).unwrap_or_default();
            let example = self.skipped_examples.get(reason).map(|key| format!(", for example {key}")).unwrap_or_default();
            let before = match self.skipped_before.get(reason) {
                None => String::new(),
                Some(before) if before >= count => " (skipped by earlier runs, too)".to_owned(),
                Some(before) => format!(" ({before} of them skipped by earlier runs, too)"),
            };
            writeln!(f, "  skipped   {count} {reason}{before}{example}: {hint}")?;
        }
        self.write_remaining(f)
    }
}

impl Report {
    /// The sinks that the top-level keys of the report do not describe.
    fn other_sinks(&self) -> impl Iterator<Item = (&String, &SinkReport)> {
        let file_manager = SinkName::file_manager();
        let has_file_manager = self.sinks.contains_key(file_manager.as_str());
        // Without a file manager, the main sink is the one that was added first. The report does not say which one that is, so all are
        // shown.
        self.sinks.iter().filter(move |(name, _)| self.sinks.len() > 1 && !(has_file_manager && *name == file_manager.as_str()))
    }

    /// The sink that the top-level keys describe, in a sentence.
    fn main_sink_in_words(&self) -> String {
        let mut names = self.sinks.keys().filter_map(|name| name.parse::<SinkName>().ok());
        match (self.sinks.contains_key(SinkName::file_manager().as_str()), names.next(), names.next()) {
            (false, Some(only), None) => only.in_words(),
            (false, Some(_), Some(_)) => "the first sink".to_owned(),
            _ => SinkName::file_manager().in_words(),
        }
    }

    fn flow(&self) -> &'static str {
        match (self.sync_type.as_ref(), self.mode.as_ref()) {
            ("initial", _) => "initial sync",
            (_, Some(_)) => "reconcile",
            _ => "cycle",
        }
    }

    fn write_observed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.flow() == "cycle" { self.write_events(f) } else { self.write_listing(f) }
    }

    fn write_events(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.quiet {
            writeln!(f, "  received  nothing new, and nothing was due")?;
        } else {
            writeln!(f, "  received  {}", counted(self.statistics.events_processed, "event"))?;
        }
        let passed_over = self.passed_over.to_string();
        if !passed_over.is_empty() {
            writeln!(f, "  ignored   {passed_over}")?;
        }
        let unreadable = self.passed_over.unreadable_times;
        if unreadable > 0 {
            writeln!(f, "  warning   {} with a time that cannot be read: treated as without one", counted(unreadable, "event"))?;
        }
        if self.queue.as_ref().is_some_and(|queue| !queue.emptied) {
            writeln!(f, "  queue     not fully read: the next run, or a daemon, continues")?;
        }
        if self.feed.as_ref().is_some_and(|feed| feed.left_unread) {
            writeln!(f, "  feed      not fully read: the next run continues")?;
        }
        if self.feed.as_ref().is_some_and(|feed| feed.gap) {
            writeln!(f, "  gap       the feed may have lost events since it was last read: a reconcile finds what they were about")?;
        } else if self.feed_gap {
            writeln!(
                f,
                "  gap       events were lost before this run, or may have been: a daemon lists again by itself, else a reconcile does"
            )?;
        }
        Ok(())
    }

    fn write_listing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listing = &self.listing;
        let end = if listing.completed { "" } else { ", incomplete" };
        if listing.completed && listing.pages == 0 {
            writeln!(f, "  listed    by an earlier run that ended before everything was applied: this run continued")?;
        }
        writeln!(
            f,
            "  listed    {}, {} ({}{end}{})",
            counted(listing.files, "file"),
            HumanBytes(listing.bytes),
            counted(listing.pages, "page"),
            markers(listing.directory_markers)
        )?;
        if listing.out_of_order {
            writeln!(
                f,
                "  order     the store does not list in the order of the keys' bytes: an interrupted listing starts over, and only a complete one finds deletes"
            )?;
        }
        if !listing.left_out.is_empty() {
            let elements: Vec<_> = listing.left_out.iter().map(|(element, count)| format!("{element} ({})", HumanCount(*count))).collect();
            writeln!(f, "  left out  elements that only describe and cannot be read: {}", elements.join(", "))?;
        }
        let (missed, example) =
            (listing.missed.saturating_sub(listing.missed_unchanged), listing.missed_example.as_deref().unwrap_or_default());
        if missed > 0 {
            writeln!(
                f,
                "  missed    {} not listed and found by a lookup, for example {example}: written meanwhile, or the listing is incomplete",
                counted(missed, "known key")
            )?;
        }
        Ok(())
    }

    fn write_applied(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = &self.operations;
        let (renamed, moved) = (counted_if_any(operations.rename, "renamed"), counted_if_any(operations.r#move, "moved"));
        let permissions = counted_if_any(operations.set_permissions, "with other permissions");
        writeln!(
            f,
            "  applied   {} created, {} updated, {} deleted, {renamed}{moved}{permissions}{} already there; {} sent",
            HumanCount(operations.create),
            HumanCount(operations.update),
            HumanCount(operations.delete),
            HumanCount(operations.confirm),
            HumanBytes(self.statistics.total_size)
        )
    }

    fn write_remaining(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dead_letters > 0 {
            let events = counted(self.dead_letters, "event");
            writeln!(f, "  dead      {events} that could not be used: `s3-sync dead-letters list` shows them")?;
        }
        for failure in &self.failures {
            writeln!(f, "  failed    {} {}, for example {}", failure.count, failure.reason, failure.message)?;
            writeln!(f, "            -> {}", failure.hint)?;
        }
        for about in ["stopped", "queue: ", "feed: ", "listing: "] {
            for line in self.errors.iter().filter(|line| line.starts_with(about)) {
                writeln!(f, "  {line}")?;
            }
        }
        if self.deletes_held > 0 {
            writeln!(f, "  held      {}: --allow-deletes {} sends them", counted(self.deletes_held, "delete"), self.deletes_held)?;
        }
        if self.pending.parked > 0 {
            let next = self.pending.next_attempt.as_deref().unwrap_or("with the next run");
            let sooner = if self.flow() == "cycle" { "a reconcile tries at once" } else { "this command, run again, tries at once" };
            writeln!(f, "  waiting   {}, next attempt {next}: {sooner}", counted(self.pending.parked, "failed operation"))?;
        }
        let due = self.pending.due.saturating_sub(self.deletes_held);
        if due > 0 {
            writeln!(f, "  to do     {}: run the command again, it resumes", counted(due, "operation"))?;
        }
        if self.outside_prefix > 0 {
            let files = counted(self.outside_prefix, "file");
            writeln!(f, "  outside   {files} in {} outside CUSTOMER_S3_PREFIX: left alone", self.main_sink_in_words())?;
        }
        if let Some(refused) = &self.report_refused {
            writeln!(f, "  report    not accepted: {refused}; the next run posts its own")?;
        }
        for (name, sink) in self.other_sinks() {
            let Operations { create, update, delete, .. } = &sink.operations;
            let verdict = if sink.success { "in sync" } else { "NOT in sync yet" };
            writeln!(
                f,
                "  {name:<9} {verdict}: {} created, {} updated, {} deleted, {} confirmed; {} failed, {} held",
                HumanCount(*create),
                HumanCount(*update),
                HumanCount(*delete),
                counted(sink.record_count.saturating_sub(sink.unconfirmed), "file"),
                HumanCount(sink.pending.parked),
                HumanCount(sink.deletes_held)
            )?;
            if sink.changed_by_others > 0 {
                writeln!(f, "            {} that others had changed or deleted: written again", counted(sink.changed_by_others, "file"))?;
            }
            if sink.kept > 0 {
                writeln!(f, "            {} kept that this service did not write: in {KEPT_IN}", counted(sink.kept, "file"))?;
            }
            for failure in &sink.failures {
                writeln!(f, "            {} {}, for example {}", failure.count, failure.reason, failure.message)?;
                writeln!(f, "            -> {}", failure.hint)?;
            }
        }
        let confirmed = self.service_info.record_count.saturating_sub(self.unconfirmed);
        write!(f, "  total     {} confirmed by {}", counted(confirmed, "file"), self.main_sink_in_words())?;
        if self.unconfirmed > 0 {
            write!(f, ", {} in doubt until they are checked", HumanCount(self.unconfirmed))?;
        }
        Ok(())
    }
}

/// `1 page`, `2,500 pages`.
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", HumanCount(count), if count == 1 { "" } else { "s" })
}

fn markers(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => "; 1 directory marker is no file".to_owned(),
        _ => format!("; {} directory markers are no files", HumanCount(count)),
    }
}

/// `2 renamed, `, or nothing for a count of 0.
fn counted_if_any(count: u64, what: &str) -> String {
    if count == 0 { String::new() } else { format!("{} {what}, ", HumanCount(count)) }
}
