//! What the program tells while it runs: log lines on stderr, as text or JSON. It decides nothing and changes no outcome.
//!
//! Object keys are recorded by `Display` (`key = %key`), which escapes what could forge a line; never by `as_str`.

use crate::config::{LogFormat, LogSettings};
use indicatif::MultiProgress;
use std::{
    io::{self, IsTerminal as _},
    sync::LazyLock,
};
use tracing::{Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry::Registry,
};

/// Logging was set up before.
#[derive(Debug, thiserror::Error)]
#[error("telemetry is already set up in this process")]
pub struct AlreadySetUp;

/// The bars on stderr: drawn by whoever shows progress, and taken away while a log line is written.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Where a progress bar belongs, so that log lines and bars do not write into each other.
pub fn bars() -> &'static MultiProgress {
    &BARS
}

/// A writer of log lines that takes the bars away while it writes.
struct BesideBars<'bars, W> {
    bars: &'bars MultiProgress,
    writer: W,
}

impl<W: io::Write> io::Write for BesideBars<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| self.writer.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// From now on everything is told on stderr.
pub fn init(settings: LogSettings) -> Result<(), AlreadySetUp> {
    let colours = !settings.no_color && io::stderr().is_terminal();
    tracing::subscriber::set_global_default(subscriber(settings, colours.into(), || BesideBars { bars: &BARS, writer: io::stderr() }))
        .map_err(|_| AlreadySetUp)
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colours {
    On,
    Off,
}

impl From<bool> for Colours {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

fn subscriber<W>(settings: LogSettings, colours: Colours, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // A stderr that takes nothing any more is no reason to panic, which telling about it on stderr would be.
    let lines = fmt::layer().with_writer(writer).with_ansi(colours == Colours::On).log_internal_errors(false);
    let lines = match settings.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).boxed(),
    };
    Registry::default().with(lines.with_filter(filter(settings.level)))
}

/// Ours at the level that was asked for; other people's code never below WARN, because at lower levels the signers and HTTP clients
/// among it write headers, and headers hold tokens.
fn filter(level: Level) -> Targets {
    Targets::new().with_default(LevelFilter::from_level(level).min(LevelFilter::WARN)).with_target("s3_sync", level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ObjectKey;
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    #[derive(Clone, Debug, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics while it writes").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A terminal that notes what is done to it, in the file that the lines go to as well.
    #[derive(Debug)]
    struct NotingTerminal(Lines);

    impl NotingTerminal {
        fn note(&self, what: &str) -> io::Result<()> {
            self.0.clone().write_all(what.as_bytes())
        }
    }

    impl indicatif::TermLike for NotingTerminal {
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
    fn a_log_line_never_lands_in_a_bar() {
        let seen = Lines::default();
        let target = indicatif::ProgressDrawTarget::term_like(Box::new(NotingTerminal(seen.clone())));
        let bars = MultiProgress::with_draw_target(target);
        let style = indicatif::ProgressStyle::with_template("BAR").expect("a template");
        let bar = bars.add(indicatif::ProgressBar::new(3).with_style(style));
        bar.tick();
        BesideBars { bars: &bars, writer: seen.clone() }.write_all(b"LINE\n").expect("a vector takes everything");
        let seen = String::from_utf8(seen.0.lock().expect("no test panics while it writes").clone()).expect("text");
        let (before, after) = seen.split_once("LINE\n").expect("the line is written whole");
        assert!(before.contains("BAR") && before.trim_end().ends_with("(cleared)"), "{seen:?}");
        assert!(after.contains("BAR"), "the bar comes back: {seen:?}");
    }

    /// What is written while `tell` runs.
    fn told(level: Level, format: LogFormat, colours: Colours, tell: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = LogSettings { level, format, no_color: false };
        tracing::subscriber::with_default(subscriber(settings, colours, move || writer.clone()), tell);
        String::from_utf8(lines.0.lock().expect("no test panics while it writes").clone()).expect("logs are text")
    }

    #[test]
    fn a_hostile_key_stays_within_its_line() {
        let key = ObjectKey::new("a\n\u{1b}[2J ERROR forged").expect("not empty");
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = told(Level::INFO, format, Colours::Off, || tracing::info!(%key, "seen"));
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains("u{a}") && !text.contains('\u{1b}'), "{text}");
        }
    }

    #[test]
    fn a_json_line_is_an_object_with_its_fields_beside_the_message() {
        let text = told(Level::INFO, LogFormat::Json, Colours::On, || {
            let _run = tracing::info_span!("run", run_id = 7).entered();
            tracing::warn!(count = 3, "held");
        });
        let line: serde_json::Value = serde_json::from_str(&text).expect("one JSON document");
        assert_eq!((&line["level"], &line["message"], &line["count"]), (&"WARN".into(), &"held".into(), &3.into()));
        assert_eq!(line["span"]["run_id"], 7);
    }

    #[test]
    fn the_level_is_ours_and_other_code_is_never_below_warn() {
        for (level, own, other_warns) in [(Level::TRACE, true, true), (Level::INFO, false, true), (Level::ERROR, false, false)] {
            let text = told(level, LogFormat::Text, Colours::Off, || {
                tracing::debug!("ours");
                tracing::info!(target: "aws_sigv4", "headers");
                tracing::warn!(target: "aws_sigv4", "careful");
            });
            assert_eq!(text.contains("ours"), own, "{level}");
            assert!(!text.contains("headers"), "{level}");
            assert_eq!(text.contains("careful"), other_warns, "{level}");
        }
    }

    #[test]
    fn colours_are_there_only_when_asked_for() {
        let coloured = |colours| told(Level::INFO, LogFormat::Text, colours, || tracing::info!("x")).contains('\u{1b}');
        assert!(coloured(Colours::On));
        assert!(!coloured(Colours::Off));
    }
}
