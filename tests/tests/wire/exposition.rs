//! The page `/metrics` as text: families in the order of names, series in the order of labels, without what depends on
//! the machine.

use std::collections::{BTreeMap, BTreeSet};

/// Families whose values depend on the machine or on time, as the metrics of the same names in `metrics.rs`.
const OF_THE_MACHINE: [&str; 4] = ["process_", "tokio_", "otel_", "db_client_connection_count"];

/// Labels of `target_info` that depend on the machine are those of its resource.
const RESOURCE: [&str; 4] = ["host_", "os_", "process_", "service_instance_id"];

/// Labels that not every machine has.
const OPTIONAL: [&str; 7] = [
    "container_",
    "host_id",
    "k8s_",
    "cloud_",
    "faas_",
    "aws_",
    "azure_",
];

/// One line of a series.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(String, String)>,
    value: &'a str,
    exemplar: Option<&'a str>,
}

/// All spans have ended and are exported, as are all log records; the pool has all connections back; the share of the
/// processors is known, which takes a second.
pub(crate) fn is_settled(text: &str) -> bool {
    let samples: Vec<_> = text.lines().filter_map(Sample::parse).collect();
    let sum = |name: &str| {
        let values = samples.iter().filter(|it| it.name == name);
        values
            .filter_map(|it| it.value.parse::<f64>().ok())
            .sum::<f64>()
    };
    let used = samples.iter().any(|it| {
        let of_used = it.labels.iter().any(|(_, value)| value == "used");
        it.name == "db_client_connection_count" && of_used && it.value != "0"
    });
    let is_busy = used
        || [
            "http_server_active_requests",
            "otel_sdk_span_live",
            "otel_sdk_processor_span_queue_size",
            "otel_sdk_processor_log_queue_size",
            "otel_sdk_exporter_span_inflight",
            "otel_sdk_exporter_log_inflight",
        ]
        .iter()
        .any(|name| sum(name) > 0.0);
    !is_busy
        && samples
            .iter()
            .any(|it| it.name == "process_cpu_utilization_ratio")
        && sum("otel_sdk_exporter_span_exported_total") > 0.0
        && sum("otel_sdk_exporter_span_exported_total") == sum("otel_sdk_span_started_total")
        && sum("otel_sdk_exporter_log_exported_total") == sum("otel_sdk_log_created_total")
}

/// The page of a service, its families and series in an order of their own.
pub(crate) fn render(service: &str, text: &str) -> String {
    let mut families = BTreeMap::<&str, Vec<&str>>::new();
    let mut outside = Vec::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            match comment.split(' ').nth(1) {
                Some(name) => {
                    family = name;
                    families.entry(family).or_default().push(line);
                }
                None => outside.push(line),
            }
        } else if Sample::parse(line).is_some() {
            families.entry(family).or_default().push(line);
        } else {
            outside.push(line);
        }
    }
    let families: String = families
        .iter()
        .map(|(name, lines)| self::family(name, lines))
        .collect();
    format!("# Service {service}\n{}\n\n{families}", outside.join("\n"))
}

fn family(name: &str, lines: &[&str]) -> String {
    let of_machine = OF_THE_MACHINE.iter().any(|it| name.starts_with(it));
    let mut text = String::new();
    let mut series = BTreeMap::<String, Vec<Sample<'_>>>::new();
    for line in lines {
        match Sample::parse(line) {
            None => text.push_str(&format!("{line}\n")),
            Some(sample) => series.entry(sample.series()).or_default().push(sample),
        }
    }
    let shown = Shown {
        numbers: !of_machine,
        amounts: !of_machine && !name.ends_with("_seconds"),
    };
    for samples in series.values() {
        text.push_str(&self::series(samples, shown));
    }
    text + "\n"
}

/// The values that are the same on every machine.
#[derive(Clone, Copy)]
struct Shown {
    /// How often something was recorded, and values of counters and gauges.
    numbers: bool,
    /// Sums and buckets of what was recorded.
    amounts: bool,
}

/// The labels of a series, then its buckets in one line and each other sample in a line.
fn series(samples: &[Sample<'_>], shown: Shown) -> String {
    let mut text = samples.first().map(Sample::labels).unwrap_or_default() + "\n";
    let (buckets, others): (Vec<_>, Vec<_>) = samples.iter().partition(|it| it.bound().is_some());
    if let Some(first) = buckets.first() {
        let bounds = buckets.iter().map(|it| {
            let bound = it.bound().unwrap_or_default();
            if shown.amounts {
                format!(" {bound}: {}", it.value)
            } else {
                format!(" {bound}")
            }
        });
        text.push_str(&format!("  {}{}\n", first.name, bounds.collect::<String>()));
    }
    text.extend(others.iter().map(|it| {
        let counted = shown.numbers && (shown.amounts || it.name.ends_with("_count"));
        let value = if counted { it.value } else { "<number>" };
        format!("  {} {value}\n", it.name)
    }));
    // The bucket with an exemplar depends on a duration, so that only the series is named.
    let exemplars: BTreeSet<_> = samples
        .iter()
        .filter_map(|it| it.exemplar.map(exemplar))
        .collect();
    text.extend(exemplars.iter().map(|it| format!("  exemplar {it}\n")));
    text
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (line, exemplar) = match line.split_once(" # ") {
            Some((line, exemplar)) => (line, Some(exemplar)),
            None => (line, None),
        };
        let (series, value) = line.rsplit_once(' ')?;
        value.parse::<f64>().ok()?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, self::labels(labels.strip_suffix('}')?)),
            None => (series, Vec::new()),
        };
        Some(Self {
            name,
            labels,
            value,
            exemplar,
        })
    }

    /// The labels that are common to the buckets, the sum and the count of a histogram.
    fn series(&self) -> String {
        let labels = self.labels.iter().filter(|(name, _)| name != "le");
        let labels: Vec<_> = labels
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        labels.join(",")
    }

    fn bound(&self) -> Option<&str> {
        let mut labels = self.labels.iter();
        let bound = labels.find(|(name, _)| name == "le");
        bound.map(|(_, value)| value.as_str())
    }

    /// The labels in their order, without what the machine or a release changes.
    fn labels(&self) -> String {
        let starts = |name: &str, prefixes: &[&str]| prefixes.iter().any(|it| name.starts_with(it));
        let info = self.name == "target_info";
        let version =
            |name: &str| matches!(name, "otel_scope_version" | "telemetry_distro_version");
        let labels = self
            .labels
            .iter()
            .filter(|(name, _)| name != "le" && !(info && starts(name, &OPTIONAL)));
        let labels: Vec<_> = labels
            .map(|(name, value)| match name.as_str() {
                name if info && starts(name, &RESOURCE) => format!("{name}=<string>"),
                name if version(name) && value == env!("CARGO_PKG_VERSION") => {
                    format!("{name}=\"<version of the workspace>\"")
                }
                name => format!("{name}=\"{value}\""),
            })
            .collect();
        format!("{{{}}}", labels.join(","))
    }
}

/// An exemplar without its ids, value and time.
fn exemplar(text: &str) -> String {
    let (labels, numbers) = text.split_once('}').unwrap_or((text, ""));
    let labels = self::labels(labels.trim_start_matches('{'));
    let names: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}=<{} characters>", value.len()))
        .collect();
    let numbers = numbers.split_whitespace().count();
    format!("{{{}}} <{numbers} numbers>", names.join(","))
}

/// The labels between the braces, in their order.
fn labels(text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut escaped = false;
        let mut end = after.len();
        for (at, c) in after.char_indices() {
            match c {
                '"' if !escaped => {
                    end = at;
                    break;
                }
                _ => {
                    value.push(c);
                    escaped = c == '\\' && !escaped;
                }
            }
        }
        labels.push((name.trim_start_matches(',').to_owned(), value));
        rest = after.get(end + 1..).unwrap_or_default();
    }
    labels
}
