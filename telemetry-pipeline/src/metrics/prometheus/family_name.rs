//! Metric names and units as Prometheus wants them.

use std::borrow::Cow;

use super::unit_words;

/// What a family is to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
    /// Of other registries only, as the two below.
    Info,
    Summary,
    Unknown,
}

impl Kind {
    /// A type as OpenMetrics names it. A state set is a gauge for each state.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "counter" => Self::Counter,
            "gauge" | "stateset" => Self::Gauge,
            "histogram" => Self::Histogram,
            "info" => Self::Info,
            "summary" => Self::Summary,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The suffixes of its samples: names that no other family may have.
    pub(crate) fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total", "_created"],
            Self::Gauge | Self::Unknown => &[""],
            Self::Histogram => &["_bucket", "_sum", "_count", "_created"],
            Self::Info => &["_info"],
            Self::Summary => &["", "_sum", "_count", "_created"],
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
            Self::Summary => "summary",
            Self::Unknown => "unknown",
        }
    }
}

/// The name of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FamilyName {
    /// The name with its unit, without `_total`.
    pub(crate) base: String,
    /// The unit, if the name ends with it.
    pub(crate) unit: Option<String>,
    pub(crate) kind: Kind,
}

impl FamilyName {
    pub(crate) fn new(name: &str, unit: &str, kind: Kind) -> Self {
        let mut base = sanitize(name);
        if kind == Kind::Counter
            && let Some(stem) = base.strip_suffix("_total")
        {
            base.truncate(stem.len());
        }
        // A name that is nothing but its unit does not end with `_` and the unit, so it has none to declare.
        let unit = unit_words::translate(unit, kind == Kind::Gauge).map(|unit| sanitize(&unit));
        let unit = unit.filter(|unit| !unit.is_empty() && unit != "_" && base != *unit);
        if let Some(unit) = &unit
            && !base.ends_with(&format!("_{unit}"))
        {
            base.push('_');
            base.push_str(unit);
        }
        Self { base, unit, kind }
    }

    /// The name of the samples of a counter or gauge.
    pub(crate) fn sample(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.base),
            Kind::Info => format!("{}_info", self.base),
            Kind::Gauge | Kind::Histogram | Kind::Summary | Kind::Unknown => self.base.clone(),
        }
    }
}

/// A label's name: as a metric's, but without `:`. `le` is the histograms' own.
pub(crate) fn label(key: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let starts = key.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if key.is_empty() {
        "_".into()
    } else if key == "le" {
        "exported_le".into()
    } else if starts && key.bytes().all(plain) && !key.contains("__") {
        key.into()
    } else {
        sanitize(key).replace(':', "_").into()
    }
}

/// Letters, digits, `_` and `:`, not beginning with a digit; runs of anything else become one `_`.
pub(crate) fn sanitize(name: &str) -> String {
    let mut clean = String::with_capacity(name.len());
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() || c == ':' {
            c
        } else {
            '_'
        };
        if clean.is_empty() && c.is_ascii_digit() {
            clean.push('_');
        }
        if !(c == '_' && clean.ends_with('_')) {
            clean.push(c);
        }
    }
    clean
}
