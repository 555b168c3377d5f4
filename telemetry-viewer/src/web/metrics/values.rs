//! The instrument that a reader asks for, and the text of kinds and values.

use serde::Deserialize;

use crate::model::MetricValue;
use crate::text::{duration, escape, shortened};

/// The instrument to show; without a name the list of all.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) service: String,
}

/// The type of an instrument, as OpenTelemetry names it.
pub(super) fn kind(value: &MetricValue) -> &'static str {
    match value {
        MetricValue::Gauge { .. } => "gauge",
        MetricValue::Sum {
            monotonic: true, ..
        } => "counter",
        MetricValue::Sum { .. } => "up-down counter",
        MetricValue::Histogram { .. } => "histogram",
        MetricValue::ExponentialHistogram { .. } => "exponential histogram",
        MetricValue::Summary { .. } => "summary",
    }
}

/// A number as short as it can be told: `1.5k`, `0.0042`.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return value.to_string();
    }
    match size {
        0.0 => "0".to_owned(),
        1e9.. => format!("{:.3}G", value / 1e9),
        1e6.. => format!("{:.3}M", value / 1e6),
        1e4.. => format!("{:.2}k", value / 1e3),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3e}"),
    }
}

/// A value with its unit: seconds and bytes as people say them.
pub(super) fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "s" => duration((value.max(0.0) * 1e9) as u64),
        "ms" => duration((value.max(0.0) * 1e6) as u64),
        "By" => format!("{}B", number(value)),
        "" | "1" => number(value),
        unit if unit.starts_with('{') => number(value),
        unit => format!("{} {}", number(value), escape(&shortened(unit, 40))),
    }
}
