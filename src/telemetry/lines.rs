//! The layers that write log lines to stderr and to a file, as text or JSON, with their filter.
//!
//! Record object keys with `Display` (`key = %key`), which escapes characters that could forge a line, and never with `as_str`.

use crate::config::{LogFormat, LogSettings};
use std::fmt;
use tracing::{Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    field::RecordFields,
    filter::Targets,
    fmt::{FormatFields, MakeWriter, format},
    registry::LookupSpan,
};

/// Whether text lines have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    On,
    Off,
}

impl From<bool> for Colours {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

/// The layer that writes to stderr.
pub(super) fn on_stderr<S, W>(settings: LogSettings, colours: Colours, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // Reporting an error of stderr on stderr would panic if stderr is closed.
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours == Colours::On).log_internal_errors(false);
    let lines = match settings.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).boxed(),
    };
    lines.with_filter(filter(settings.level)).boxed()
}

/// The layer that writes to a file, never with colours.
pub(super) fn in_file<S, W>(settings: LogSettings, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false).log_internal_errors(false);
    let lines = match settings.format {
        LogFormat::Text => lines.fmt_fields(FileFields(format::DefaultFields::new())).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    lines.with_filter(filter(settings.level)).boxed()
}

/// The field formatter of the file. Layers with the same formatter type share its output: the file would have colours, and each layer would
/// append fields that are recorded later.
struct FileFields<F>(F);

impl<'writer, F: FormatFields<'writer>> FormatFields<'writer> for FileFields<F> {
    fn format_fields<R: RecordFields>(&self, writer: format::Writer<'writer>, fields: R) -> fmt::Result {
        self.0.format_fields(writer, fields)
    }
}

/// Passes our lines at the configured level, and lines of libraries at WARN or above: at lower levels signers and HTTP clients log headers,
/// which contain tokens.
fn filter(level: Level) -> Targets {
    Targets::new().with_default(LevelFilter::from_level(level).min(LevelFilter::WARN)).with_target("s3_sync", level)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::record::ObjectKey;
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };
    use tracing_subscriber::{Registry, layer::SubscriberExt as _};

    #[derive(Clone, Debug, Default)]
    pub(in crate::telemetry) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics while it writes").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        pub(in crate::telemetry) fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no test panics while it writes").clone()).expect("logs are text")
        }
    }

    /// The lines that are written while `log` runs.
    fn logged(level: Level, format: LogFormat, colours: Colours, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = LogSettings { level, format, no_color: false };
        let layer = on_stderr(settings, colours, move || writer.clone());
        tracing::subscriber::with_default(Registry::default().with(layer), log);
        lines.text()
    }

    #[test]
    fn a_hostile_key_stays_within_its_line() {
        let key = ObjectKey::new("a\n\u{1b}[2J ERROR forged").expect("not empty");
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged(Level::INFO, format, Colours::Off, || tracing::info!(%key, "seen"));
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains("u{a}") && !text.contains('\u{1b}'), "{text}");
        }
    }

    #[test]
    fn a_json_line_is_an_object_with_its_fields_beside_the_message() {
        let text = logged(Level::INFO, LogFormat::Json, Colours::On, || {
            let _run = tracing::info_span!("run", run_id = 7).entered();
            tracing::warn!(count = 3, "held");
        });
        let line: serde_json::Value = serde_json::from_str(&text).expect("one JSON document");
        assert_eq!((&line["level"], &line["message"], &line["count"]), (&"WARN".into(), &"held".into(), &3.into()));
        assert_eq!(line["span"]["run_id"], 7);
    }

    #[test]
    fn the_level_applies_to_our_code_and_libraries_log_from_warn_on() {
        for (level, own, other_warns) in [(Level::TRACE, true, true), (Level::INFO, false, true), (Level::ERROR, false, false)] {
            let text = logged(level, LogFormat::Text, Colours::Off, || {
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
        let coloured = |colours| logged(Level::INFO, LogFormat::Text, colours, || tracing::info!("x")).contains('\u{1b}');
        assert!(coloured(Colours::On));
        assert!(!coloured(Colours::Off));
    }
}
