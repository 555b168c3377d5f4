//! A view: the instruments it selects, and the metric it makes of each.

use std::{fmt, sync::Arc};

use opentelemetry::Key;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind as SdkKind, Stream};

use telemetry_api::instrument::exemplar::KeptKeys;

/// The kind of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstrumentKind {
    /// A sum that only grows.
    Counter,
    /// A sum that grows and falls.
    UpDownCounter,
    /// A distribution.
    Histogram,
    /// A value of the moment.
    Gauge,
    /// A counter that is read when metrics are.
    ObservableCounter,
    /// An up-down counter that is read when metrics are.
    ObservableUpDownCounter,
    /// A gauge that is read when metrics are.
    ObservableGauge,
}

/// Changes what instruments export: their name, buckets, attributes and limit of series, or whether they do at all
/// (views of the metrics SDK specification).
///
/// Of several views that select an instrument, each makes a metric of its own. Exemplars and `/metrics` follow.
///
/// ```
/// use telemetry_pipeline::{Config, View};
///
/// let config = Config::new("shop")
///     .with_view(View::of("http.server.request.duration").with_boundaries([0.1, 0.5, 1.0, 5.0]))
///     .with_view(View::of("cache.*").keeping_attributes(["cache.name"]))
///     .with_view(View::of("noise.*").dropped());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct View {
    pub(crate) instrument: String,
    pub(crate) kind: Option<InstrumentKind>,
    pub(crate) unit: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) scope_version: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) aggregation: Option<Aggregation>,
    pub(crate) keys: Option<KeptKeys>,
    pub(crate) limit: Option<usize>,
}

impl View {
    /// Of the instruments of this name, in any case; `*` stands for any characters and `?` for one.
    pub fn of(instrument: impl Into<String>) -> Self {
        Self {
            instrument: instrument.into(),
            kind: None,
            unit: None,
            scope: None,
            scope_version: None,
            name: None,
            description: None,
            aggregation: None,
            keys: None,
            limit: None,
        }
    }

    /// Only of instruments of this kind.
    pub fn of_kind(mut self, kind: InstrumentKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only of instruments of this unit.
    pub fn of_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Only of instruments of this instrumentation scope, such as `telemetry-axum`.
    pub fn in_scope(mut self, name: impl Into<String>) -> Self {
        self.scope = Some(name.into());
        self
    }

    /// Exports them under this name. Only for a view of one name, without `*` and `?`.
    pub fn renamed(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Exports them with this description.
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// A histogram with these bounds of buckets, in the unit of the instrument, rising.
    pub fn with_boundaries(mut self, boundaries: impl IntoIterator<Item = f64>) -> Self {
        self.aggregation = Some(Aggregation::ExplicitBucketHistogram {
            boundaries: boundaries.into_iter().collect(),
            record_min_max: true,
        });
        self
    }

    /// A base-2 exponential histogram of at most 160 buckets. It has no text form: `/metrics` leaves it out.
    pub fn exponential(mut self) -> Self {
        self.aggregation = Some(exponential());
        self
    }

    /// Exports nothing of them.
    pub fn dropped(mut self) -> Self {
        self.aggregation = Some(Aggregation::Drop);
        self
    }

    /// Exports only these attributes; series that differ in others become one.
    pub fn keeping_attributes<K: Into<Key>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.keys = Some(Arc::new(keys.into_iter().map(Into::into).collect()));
        self
    }

    /// At most so many series; further attribute values share one, `otel.metric.overflow`. Default: 2000.
    ///
    /// Memory for the limit is set aside when the instrument is made, about 70 bytes a series. The instruments of our
    /// adapters bound themselves, to 500 to 1500 series, which this cannot raise.
    pub fn with_cardinality_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn selects(&self, instrument: &Instrument) -> bool {
        let scope = instrument.scope();
        matches(&self.instrument, instrument.name())
            && self.kind.is_none_or(|kind| kind.sdk() == instrument.kind())
            && self
                .unit
                .as_ref()
                .is_none_or(|unit| unit == instrument.unit())
            && self.scope.as_ref().is_none_or(|name| name == scope.name())
            && self
                .scope_version
                .as_deref()
                .is_none_or(|version| Some(version) == scope.version())
    }

    /// The SDK's form of it.
    ///
    /// # Errors
    ///
    /// With the reason why the view is not valid.
    pub(crate) fn stream(&self) -> Result<Stream, String> {
        if self.name.is_some() && self.instrument.contains(['*', '?']) {
            return Err("a view that renames must select one name, without * and ?".to_owned());
        }
        let mut stream = Stream::builder();
        if let Some(name) = &self.name {
            stream = stream.with_name(name.clone());
        }
        if let Some(description) = &self.description {
            stream = stream.with_description(description.clone());
        }
        if let Some(aggregation) = &self.aggregation {
            stream = stream.with_aggregation(aggregation.clone());
        }
        if let Some(keys) = &self.keys {
            stream = stream.with_allowed_attribute_keys(keys.iter().cloned());
        }
        if let Some(limit) = self.limit {
            stream = stream.with_cardinality_limit(limit);
        }
        stream.build().map_err(|error| error.to_string())
    }
}

impl InstrumentKind {
    fn sdk(self) -> SdkKind {
        match self {
            Self::Counter => SdkKind::Counter,
            Self::UpDownCounter => SdkKind::UpDownCounter,
            Self::Histogram => SdkKind::Histogram,
            Self::Gauge => SdkKind::Gauge,
            Self::ObservableCounter => SdkKind::ObservableCounter,
            Self::ObservableUpDownCounter => SdkKind::ObservableUpDownCounter,
            Self::ObservableGauge => SdkKind::ObservableGauge,
        }
    }

    /// As the declarative configuration names it.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "counter" => Self::Counter,
            "up_down_counter" => Self::UpDownCounter,
            "histogram" => Self::Histogram,
            "gauge" => Self::Gauge,
            "observable_counter" => Self::ObservableCounter,
            "observable_up_down_counter" => Self::ObservableUpDownCounter,
            "observable_gauge" => Self::ObservableGauge,
            _ => return None,
        })
    }
}

/// The pattern of the names it selects.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.instrument)
    }
}

/// The exponential histogram of the specification's defaults.
pub(crate) fn exponential() -> Aggregation {
    Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    }
}

/// Returns whether the name matches the pattern, in any letter case. Names are ASCII.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands and what it has swallowed: on a mismatch it takes one more.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || c.eq_ignore_ascii_case(&name[n]) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    p = at + 1;
                    n = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}
