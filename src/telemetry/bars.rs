//! The progress bars on stderr, and a writer for log lines that hides the bars while it writes a line.

use indicatif::MultiProgress;
use std::io;
use std::sync::LazyLock;

/// The progress bars on stderr.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// The progress bars. Every bar must be added here, so that log lines and bars do not overwrite each other.
pub fn bars() -> &'static MultiProgress {
    &BARS
}

/// A writer of log lines that hides the bars while it writes.
pub(super) struct BarSafeWriter<'bars, W> {
    pub(super) bars: &'bars MultiProgress,
    pub(super) writer: W,
}

impl<W: io::Write> io::Write for BarSafeWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| self.writer.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::lines::tests::Lines;
    use std::io::Write as _;

    /// A terminal that records its calls among the log lines.
    #[derive(Debug)]
    struct RecordingTerminal(Lines);

    impl RecordingTerminal {
        fn note(&self, what: &str) -> io::Result<()> {
            self.0.clone().write_all(what.as_bytes())
        }
    }

    impl indicatif::TermLike for RecordingTerminal {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.note(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.note(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.note("(cleared)")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_line_and_a_bar_never_mix() {
        let seen = Lines::default();
        let target = indicatif::ProgressDrawTarget::term_like(Box::new(RecordingTerminal(seen.clone())));
        let bars = MultiProgress::with_draw_target(target);
        let style = indicatif::ProgressStyle::with_template("BAR").expect("a template");
        let bar = bars.add(indicatif::ProgressBar::new(3).with_style(style));
        bar.tick();
        BarSafeWriter { bars: &bars, writer: seen.clone() }.write_all(b"LINE\n").expect("a vector takes everything");
        let seen = seen.text();
        let (before, after) = seen.split_once("LINE\n").expect("the line is written whole");
        assert!(before.contains("BAR") && before.trim_end().ends_with("(cleared)"), "{seen:?}");
        assert!(after.contains("BAR"), "the bar comes back: {seen:?}");
    }
}
