//! Lines of the two text formats.

use std::{fmt::Write as _, time::UNIX_EPOCH};

use opentelemetry::{InstrumentationScope, KeyValue, Value, trace::TraceId};

use super::{
    canonical_number::canonical,
    family_name::{FamilyName, Kind, label},
};
use telemetry_api::instrument::{exemplar::Exemplar, scrape::ScrapeFormat};

/// A rendered label set, without its braces.
pub(crate) struct Labels(String);

impl Labels {
    pub(crate) fn new<'a>(pairs: impl Iterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut labels: Vec<_> = pairs.map(|(key, value)| (label(key), key, value)).collect();
        // Values that share a label stand in the order of their keys.
        labels.sort_by(|(a, key, _), (b, other, _)| (a, key).cmp(&(b, other)));
        let mut text = String::with_capacity(labels.len() * 32);
        let mut previous: Option<&str> = None;
        for (key, _, value) in &labels {
            if previous == Some(key) {
                // Two keys that become one share a label, as the specification says.
                text.pop();
                text.push(';');
            } else {
                if previous.is_some() {
                    text.push(',');
                }
                text.push_str(key);
                text.push_str("=\"");
            }
            escape(&mut text, &value.as_str());
            text.push('"');
            previous = Some(key);
        }
        Self(text)
    }

    /// The labels of a point: its attributes and its instrumentation scope with what that says of itself.
    pub(crate) fn of_point(
        scope: &ScopeLabels,
        attributes: &mut dyn Iterator<Item = &KeyValue>,
    ) -> Self {
        let attributes = attributes.map(|attribute| (attribute.key.as_str(), &attribute.value));
        Self::new(attributes.chain(scope.0.iter().map(|(key, value)| (key.as_str(), value))))
    }

    /// The rendered text, by which two series are the same.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// `otel_scope_*` of an instrumentation scope.
pub(crate) struct ScopeLabels(Vec<(String, Value)>);

impl ScopeLabels {
    pub(crate) fn new(scope: &InstrumentationScope) -> Self {
        let text = |key: &str, value: &str| (key.to_owned(), Value::from(value.to_owned()));
        let mut labels = vec![text("otel_scope_name", scope.name())];
        labels.extend(
            scope
                .version()
                .map(|version| text("otel_scope_version", version)),
        );
        labels.extend(
            scope
                .schema_url()
                .map(|url| text("otel_scope_schema_url", url)),
        );
        let own = |attribute: &KeyValue| {
            let key = format!("otel_scope_{}", attribute.key);
            // These three are the scope's fields, however an attribute spells them.
            let is_field = matches!(
                &*label(&key),
                "otel_scope_name" | "otel_scope_version" | "otel_scope_schema_url"
            );
            (!is_field).then(|| (key, attribute.value.clone()))
        };
        labels.extend(scope.attributes().filter_map(own));
        Self(labels)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }
}

/// A value as both formats write it.
pub(crate) trait Number {
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

pub(crate) fn header(text: &mut String, name: &FamilyName, help: &str, format: ScrapeFormat) {
    let (shown, kind) = match (format, name.kind) {
        (ScrapeFormat::OpenMetrics, kind) => (name.base.clone(), kind.as_str()),
        (ScrapeFormat::Prometheus, Kind::Info) => (name.sample(), "gauge"),
        (ScrapeFormat::Prometheus, Kind::Unknown) => (name.sample(), "untyped"),
        (ScrapeFormat::Prometheus, kind) => (name.sample(), kind.as_str()),
    };
    let _ = writeln!(text, "# TYPE {shown} {kind}");
    if let (ScrapeFormat::OpenMetrics, Some(unit)) = (format, &name.unit) {
        let _ = writeln!(text, "# UNIT {shown} {unit}");
    }
    if !help.is_empty() {
        let _ = write!(text, "# HELP {shown} ");
        match format {
            ScrapeFormat::OpenMetrics => escape(text, help),
            // Here a quote stands for itself.
            ScrapeFormat::Prometheus => {
                text.push_str(&help.replace('\\', "\\\\").replace('\n', "\\n"));
            }
        }
        text.push('\n');
    }
}

pub(crate) fn target_info(text: &mut String, labels: &Labels, format: ScrapeFormat) {
    let kind = match format {
        ScrapeFormat::OpenMetrics => "# TYPE target info\n# HELP target Target metadata\n",
        ScrapeFormat::Prometheus => {
            "# TYPE target_info gauge\n# HELP target_info Target metadata\n"
        }
    };
    text.push_str(kind);
    sample(text, "target_info", labels, 1_u64);
}

pub(crate) fn sample(text: &mut String, name: &str, labels: &Labels, value: impl Number) {
    text.push_str(name);
    if !labels.0.is_empty() {
        let _ = write!(text, "{{{}}}", labels.0);
    }
    text.push(' ');
    value.write(text);
    text.push('\n');
}

/// The sample of a counter.
pub(crate) fn total(
    text: &mut String,
    name: &str,
    labels: &Labels,
    value: impl Number,
    exemplar: Option<Exemplar>,
) {
    sample(text, name, labels, value);
    if let Some(exemplar) = exemplar {
        // Before the end of the line.
        text.pop();
        self::exemplar(text, exemplar);
        text.push('\n');
    }
}

pub(crate) fn bucket(
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
        Some(bound) => text.push_str(&canonical(bound)),
        None => text.push_str("+Inf"),
    }
    let _ = write!(text, "\"}} {count}");
    if let Some(exemplar) = exemplar {
        self::exemplar(text, exemplar);
    }
    text.push('\n');
}

fn exemplar(text: &mut String, exemplar: Exemplar) {
    let Exemplar {
        value,
        time,
        trace_id,
        span_id,
    } = exemplar;
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

fn escape(text: &mut String, value: &str) {
    if !value.bytes().any(|b| matches!(b, b'\\' | b'\n' | b'"')) {
        text.push_str(value);
        return;
    }
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' => text.push_str("\\\""),
            c => text.push(c),
        }
    }
}
