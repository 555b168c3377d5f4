//! Lines of the two text formats.

use std::{collections::BTreeMap, fmt::Write as _, time::UNIX_EPOCH};

use opentelemetry::{InstrumentationScope, KeyValue, Value, trace::TraceId};

use super::name::{FamilyName, sanitize};
use crate::{exemplar::Exemplar, scrape::ScrapeFormat};

/// A rendered label set, without its braces.
pub(super) struct Labels(String);

impl Labels {
    pub(super) fn new<'a>(pairs: impl Iterator<Item = (&'a str, &'a Value)>) -> Self {
        // Two keys that become one share a label, as the specification says.
        let mut labels = BTreeMap::<String, String>::new();
        for (key, value) in pairs {
            let label = labels.entry(sanitize(key)).or_default();
            if !label.is_empty() {
                label.push(';');
            }
            label.push_str(&value.as_str());
        }
        let mut text = String::new();
        for (key, value) in &labels {
            if !text.is_empty() {
                text.push(',');
            }
            // Writing to a String cannot fail, here and below.
            let _ = write!(text, "{key}=\"");
            escape(&mut text, value);
            text.push('"');
        }
        Self(text)
    }

    /// The labels of a point: its attributes and its instrumentation scope.
    pub(super) fn of_point(
        scope: &InstrumentationScope,
        attributes: &mut dyn Iterator<Item = &KeyValue>,
    ) -> Self {
        let name = Value::from(scope.name().to_owned());
        let version = scope
            .version()
            .map(|version| Value::from(version.to_owned()));
        let scope = [
            Some(("otel_scope_name", &name)),
            version.as_ref().map(|v| ("otel_scope_version", v)),
        ];
        let attributes = attributes.map(|attribute| (attribute.key.as_str(), &attribute.value));
        let all: Vec<_> = attributes.chain(scope.into_iter().flatten()).collect();
        Self::new(all.into_iter())
    }
}

/// A value as both formats write it.
pub(super) trait Number {
    fn write(self, text: &mut String);
}

impl Number for f64 {
    fn write(self, text: &mut String) {
        let _ = match self {
            f64::INFINITY => write!(text, "+Inf"),
            f64::NEG_INFINITY => write!(text, "-Inf"),
            value => write!(text, "{value}"),
        };
    }
}

impl Number for u64 {
    fn write(self, text: &mut String) {
        let _ = write!(text, "{self}");
    }
}

impl Number for i64 {
    fn write(self, text: &mut String) {
        let _ = write!(text, "{self}");
    }
}

pub(super) fn header(
    text: &mut String,
    base: &str,
    name: &FamilyName,
    help: &str,
    format: ScrapeFormat,
) {
    let shown = match format {
        ScrapeFormat::OpenMetrics => base.to_owned(),
        ScrapeFormat::Prometheus => name.sample(),
    };
    let _ = writeln!(text, "# TYPE {shown} {}", name.kind.as_str());
    if let (ScrapeFormat::OpenMetrics, Some(unit)) = (format, &name.unit) {
        let _ = writeln!(text, "# UNIT {shown} {unit}");
    }
    if !help.is_empty() {
        let _ = write!(text, "# HELP {shown} ");
        escape(text, help);
        text.push('\n');
    }
}

pub(super) fn target_info(text: &mut String, labels: &Labels, format: ScrapeFormat) {
    let kind = match format {
        ScrapeFormat::OpenMetrics => "# TYPE target info\n# HELP target Target metadata\n",
        ScrapeFormat::Prometheus => {
            "# TYPE target_info gauge\n# HELP target_info Target metadata\n"
        }
    };
    text.push_str(kind);
    sample(text, "target_info", labels, 1_u64);
}

pub(super) fn sample(text: &mut String, name: &str, labels: &Labels, value: impl Number) {
    text.push_str(name);
    if !labels.0.is_empty() {
        let _ = write!(text, "{{{}}}", labels.0);
    }
    text.push(' ');
    value.write(text);
    text.push('\n');
}

pub(super) fn bucket(
    text: &mut String,
    name: &str,
    labels: &Labels,
    bound: Option<f64>,
    count: u64,
    exemplar: Option<Exemplar>,
) {
    let separator = if labels.0.is_empty() { "" } else { "," };
    let _ = write!(text, "{name}{{{}{separator}le=\"", labels.0);
    match bound {
        // A float's canonical text has a point, `1.0` and not `1`.
        Some(bound) => {
            let _ = write!(text, "{bound:?}");
        }
        None => text.push_str("+Inf"),
    }
    let _ = write!(text, "\"}} {count}");
    if let Some(Exemplar {
        value,
        time,
        trace_id,
        span_id,
    }) = exemplar
    {
        let time = time
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let _ = if trace_id == TraceId::INVALID {
            write!(text, " # {{}} {value} {time:.3}")
        } else {
            write!(
                text,
                " # {{trace_id=\"{trace_id}\",span_id=\"{span_id}\"}} {value} {time:.3}"
            )
        };
    }
    text.push('\n');
}

fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' => text.push_str("\\\""),
            c => text.push(c),
        }
    }
}
