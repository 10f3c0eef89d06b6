//! A report as people read it at the end of a command.

use super::Report;
use indicatif::{HumanBytes, HumanCount};
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.success { "in sync" } else { "NOT in sync yet" };
        writeln!(f, "initial sync, run {}: {verdict} after {:.1} s", self.run, self.duration_seconds)?;
        let listing = &self.listing;
        let end = if listing.completed { "" } else { ", not to its end" };
        writeln!(
            f,
            "  listed    {} files, {} ({} pages{end}; {} directory markers are no files)",
            HumanCount(listing.files),
            HumanBytes(listing.bytes),
            listing.pages,
            listing.directory_markers
        )?;
        let operations = &self.operations;
        writeln!(
            f,
            "  applied   {} created, {} updated, {} deleted, {} already there; {} sent",
            operations.create,
            operations.update,
            operations.delete,
            operations.confirm,
            HumanBytes(self.statistics.total_size)
        )?;
        if self.unverified > 0 {
            writeln!(f, "  verified  all but {}: the store gave no checksum for these, only their length was compared", self.unverified)?;
        }
        for (reason, count) in &self.skipped {
            writeln!(f, "  skipped   {count} {reason}")?;
        }
        for failure in &self.failures {
            writeln!(f, "  failed    {} {}, for example {}", failure.count, failure.reason, failure.message)?;
            writeln!(f, "            -> {}", failure.hint)?;
        }
        if let Some(stopped) = self.errors.first().filter(|line| line.starts_with("stopped: ")) {
            writeln!(f, "  {stopped}")?;
        }
        if self.deletes_held > 0 {
            writeln!(f, "  held      {} deletes: --allow-deletes {} sends them", self.deletes_held, self.deletes_held)?;
        }
        if self.pending.parked > 0 {
            let next = self.pending.next_attempt.as_deref().unwrap_or("with the next run");
            writeln!(f, "  waiting   {} failed operations, next attempt {next}", self.pending.parked)?;
        }
        let due = self.pending.due.saturating_sub(self.deletes_held);
        if due > 0 {
            writeln!(f, "  to do     {due} operations: run the command again, it goes on where it stopped")?;
        }
        write!(f, "  total     {} files confirmed by the file manager", HumanCount(self.service_info.record_count))
    }
}
