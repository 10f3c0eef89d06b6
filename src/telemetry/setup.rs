//! Sets up logging and export for the process, and ends them.

use super::bars::{BarSafeWriter, bars};
use super::lines;
use super::log_file::LogFile;
#[cfg(feature = "otlp")]
use super::{metrics, otlp};
use crate::config::Settings;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt as _};

/// The error if telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// It is already set up.
    #[error("telemetry is already set up in this process")]
    AlreadySetUp,
    /// The log file cannot be written.
    #[error("LOG_FILE {path:?} cannot be opened: {error}; give a file in an existing directory that this user may write")]
    LogFile {
        /// The file.
        path: PathBuf,
        /// The error of the file system.
        error: io::Error,
    },
    /// The OTLP exporter cannot be built; the message names the variable.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Collector(String),
}

/// The exporters of the process.
#[derive(Default)]
#[must_use = "the rest has to be flushed"]
pub struct Telemetry {
    #[cfg(feature = "otlp")]
    pipeline: Option<otlp::Pipeline>,
}

type Layers = Vec<Box<dyn Layer<Registry> + Send + Sync>>;

/// Sets up logging and export for the process. Call it outside of any async runtime.
pub fn init(settings: &Settings) -> Result<Telemetry, SetupError> {
    let colours = !settings.log.no_color && io::stderr().is_terminal();
    let mut layers: Layers = vec![lines::on_stderr(settings.log, colours.into(), || BarSafeWriter { bars: bars(), writer: io::stderr() })];
    if let Some(file) = &settings.log_file {
        let log_file = LogFile::open(file.clone()).map_err(|error| SetupError::LogFile { path: file.path.clone(), error })?;
        layers.push(lines::in_file(settings.log, log_file));
    }
    let telemetry = Telemetry::new(settings, &mut layers)?;
    tracing::subscriber::set_global_default(Registry::default().with(layers)).map_err(|_| SetupError::AlreadySetUp)?;
    #[cfg(not(feature = "otlp"))]
    if settings.otlp.is_some() {
        tracing::warn!("OTEL_EXPORTER_OTLP_ENDPOINT is set, and this build was made without OTLP: no spans and no metrics are sent");
    }
    Ok(telemetry)
}

#[cfg(feature = "otlp")]
impl Telemetry {
    fn new(settings: &Settings, layers: &mut Layers) -> Result<Self, SetupError> {
        let Some(otlp) = &settings.otlp else { return Ok(Self::default()) };
        let pipeline = otlp::Pipeline::new(otlp, &settings.trusted).map_err(|error| SetupError::Collector(error.to_string()))?;
        layers.push(pipeline.layer());
        metrics::install(pipeline.instruments());
        Ok(Self { pipeline: Some(pipeline) })
    }

    /// Sends the remaining telemetry, within a few seconds. After that nothing is sent; log lines are still written.
    pub async fn flush(self) {
        if let Some(pipeline) = self.pipeline {
            pipeline.flush().await;
        }
    }
}

#[cfg(not(feature = "otlp"))]
impl Telemetry {
    #[expect(clippy::unnecessary_wraps, reason = "with OTLP it may fail")]
    fn new(_: &Settings, _: &mut Layers) -> Result<Self, SetupError> {
        Ok(Self::default())
    }

    /// Sends nothing, because this build has no OTLP.
    #[expect(clippy::unused_async, reason = "with OTLP it waits")]
    pub async fn flush(self) {}
}
