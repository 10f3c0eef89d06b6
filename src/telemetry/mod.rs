//! What the program tells while it runs: log lines on stderr, as text or JSON. It decides nothing and changes no outcome.
//!
//! Object keys are recorded by `Display` (`key = %key`), which escapes what could forge a line; never by `as_str`.

use crate::config::{LogFormat, LogSettings};
use std::io::{self, IsTerminal as _};
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

/// From now on everything is told on stderr.
pub fn init(settings: LogSettings) -> Result<(), AlreadySetUp> {
    let colours = !settings.no_color && io::stderr().is_terminal();
    tracing::subscriber::set_global_default(subscriber(settings, colours.into(), io::stderr)).map_err(|_| AlreadySetUp)
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
    let lines = fmt::layer().with_writer(writer).with_ansi(colours == Colours::On);
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

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics while it writes").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
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
