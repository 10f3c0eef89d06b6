//! Generates `docs/telemetry.md` from the tables of names.

use super::names::{Field, METRICS, MetricName, SPANS, SpanName};

const INTRODUCTION: &str = "\
<!-- Written by the program from its own names: `UPDATE_DOCS=1 cargo test -p s3-sync --lib telemetry_page`. -->

# Logs, traces and metrics

Log lines go to stderr: text, or with `LOG_FORMAT=json` an object a line. With `LOG_FILE` they go into a file as well, which is
rotated by its size. With `OTEL_EXPORTER_OTLP_ENDPOINT` spans and metrics go to a collector, over OTLP (`http/protobuf`).
The settings are in [configuration.md](configuration.md).

- A JSON line has `timestamp`, `level`, `target`, `message` and the line's own fields; `span` is the innermost span with its
  fields, `spans` is all of them from the outermost on.
- Telemetry never changes what is done. An unreachable collector costs one warning and the telemetry meant for it; the end of a
  command waits for it 3 seconds at most. When spans come faster than it accepts them, spans are dropped (a warning gives their
  number); metrics are not.
- A span carries the log lines that were written inside it, from INFO on, as its events. Log lines of libraries are written from
  WARN on and never go to the collector.
- Object keys are escaped. No line, span or metric contains a secret.
- The OpenTelemetry SDK reads the rest of its standard variables by itself: `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`,
  `OTEL_BSP_*`, `OTEL_METRIC_EXPORT_INTERVAL` and those of single signals (`OTEL_EXPORTER_OTLP_TRACES_HEADERS`, …).
- A build without the cargo feature `otlp` sends nothing, and warns when `OTEL_EXPORTER_OTLP_ENDPOINT` is set.

`service.name` is `OTEL_SERVICE_NAME`; the names below are stable: names may be added, none is renamed or removed.
";

/// The text of the page.
pub fn telemetry_page() -> String {
    let spans = SPANS.iter().map(span).collect::<Vec<_>>().join("\n");
    let metrics = METRICS.iter().map(metric).collect::<Vec<_>>().join("\n");
    [INTRODUCTION, "## Spans\n", &spans, "## Metrics\n", &metrics].join("\n")
}

fn span(span: &SpanName) -> String {
    format!("### `{}`\n\n{}\n\n{}", span.name, span.doc, fields(span.fields))
}

fn metric(metric: &MetricName) -> String {
    let labels = if metric.labels.is_empty() { String::new() } else { format!("\n{}", fields(metric.labels)) };
    format!("### `{}`\n\n{} A {}, in `{}`.\n{labels}", metric.name, metric.doc, metric.form, metric.unit)
}

fn fields(fields: &[Field]) -> String {
    let lines: Vec<_> = fields.iter().map(|field| format!("- `{}`: {}.\n", field.name, field.doc)).collect();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn the_committed_telemetry_page_is_the_one_that_the_names_write() {
        config::assert_committed("telemetry.md", &telemetry_page());
    }
}
