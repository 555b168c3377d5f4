//! Business metrics, declared in one line and recorded from anywhere.
//!
//! ```
//! use telemetry_api::{Counter, Gauge, Histogram, counter, gauge, histogram};
//!
//! static CHECKOUTS: Counter = counter("retail.checkouts").unit("{checkout}").description("Checkouts by outcome.");
//! static VALUE: Histogram = histogram("retail.checkout.value").unit("{cent}").bounds(&[1e3, 1e4, 1e5]);
//! static STOCK: Gauge = gauge("retail.stock").unit("{item}").description("What is left, by SKU.");
//!
//! CHECKOUTS.add(1, ("retail.outcome", "ok"));
//! VALUE.record(3998, ());
//! STOCK.set(23, [("retail.sku", "SKU-2"), ("retail.warehouse", "north")]);
//! CHECKOUTS.add(1, (("retail.outcome", "ok"), ("retail.express", true)));
//! ```
//!
//! They go where all metrics go, OTLP and `/metrics`; what a histogram records or a counter adds in a
//! sampled span is its exemplar. Before `bootstrap`, and without it, nothing is recorded.
//!
//! **Cost**: each set of attributes is bound to its series once; from then on recording looks it up without a lock or an
//! allocation. **Bounds**: an instrument has at most 500 series (see `max_series`); all further sets of attributes share
//! the one with `otel.metric.overflow`. **Names**: the first declaration of a name decides its unit and description.

mod attribute_values;
mod declared;

use std::fmt;

use opentelemetry::trace::TraceContextExt as _;

use crate::instrument::{context, exemplar::ExemplarSlots};

pub use attribute_values::{AttributeValue, Attributes, Number, ToAttributeValue};
use declared::{Cached, CounterSeries, GaugeSeries, HistogramSeries, UpDownSeries};

/// Declares a [`Counter`]. Names are lower case, dotted, and begin with your namespace.
pub const fn counter(name: &'static str) -> Counter {
    Counter(Cached::new(name))
}

/// Declares a [`Histogram`]. Its buckets fit its unit, such as 5 ms to 5 minutes for `s` and `ms`, or 64 bytes to 1 GiB for
/// `By`; other units have 0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000. See
/// [`bounds`](Histogram::bounds).
pub const fn histogram(name: &'static str) -> Histogram {
    Histogram(Cached::new(name))
}

/// Declares a [`Gauge`].
pub const fn gauge(name: &'static str) -> Gauge {
    Gauge(Cached::new(name))
}

/// Declares an [`UpDownCounter`].
pub const fn up_down_counter(name: &'static str) -> UpDownCounter {
    UpDownCounter(Cached::new(name))
}

/// A number that only grows, such as checkouts, with exemplars. At `/metrics` its name ends in `_total`.
pub struct Counter(Cached<CounterSeries>);

/// A distribution, such as the value of checkouts, with exemplars.
pub struct Histogram(Cached<HistogramSeries>);

/// A number that is what it is, such as the stock of an article.
pub struct Gauge(Cached<GaugeSeries>);

/// A number that grows and falls by what is added, such as open carts.
pub struct UpDownCounter(Cached<UpDownSeries>);

macro_rules! declared {
    ($($instrument:ident),*) => {$(
        impl $instrument {
            /// The unit in UCUM, such as `s`, `By` or `{checkout}`. Default: none.
            pub const fn unit(mut self, unit: &'static str) -> Self {
                self.0.declaration.unit = unit;
                self
            }

            /// What it counts, for people.
            pub const fn description(mut self, description: &'static str) -> Self {
                self.0.declaration.description = description;
                self
            }

            /// How many sets of attributes have a series of their own. Default: 500.
            pub const fn max_series(mut self, max_series: usize) -> Self {
                self.0.declaration.max_series = max_series;
                self
            }

            /// Its name.
            pub const fn name(&self) -> &'static str {
                self.0.declaration.name
            }
        }

        impl fmt::Debug for $instrument {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($instrument)).field(&self.name()).finish()
            }
        }
    )*};
}

declared!(Counter, Histogram, Gauge, UpDownCounter);

impl Counter {
    /// Counts this many more; a sampled current span becomes the exemplar of the series.
    pub fn add(&self, count: u64, attributes: impl Attributes) {
        self.0.series(&attributes, |series| {
            series.bound.add(count);
            offer(&series.exemplars, count.to_f64());
        });
    }
}

impl Histogram {
    /// The upper bounds of the buckets, ascending, in the instrument's unit. Default: bounds that fit the unit.
    pub const fn bounds(mut self, bounds: &'static [f64]) -> Self {
        self.0.declaration.bounds = Some(bounds);
        self
    }

    /// Records a value in the instrument's unit; a sampled current span becomes the exemplar of its bucket.
    pub fn record(&self, value: impl Number, attributes: impl Attributes) {
        let value = value.to_f64();
        self.0.series(&attributes, |series| {
            series.bound.record(value);
            offer(&series.exemplars, value);
        });
    }
}

impl Gauge {
    /// Says what it is now.
    pub fn set(&self, value: impl Number, attributes: impl Attributes) {
        self.0
            .series(&attributes, |series| series.0.record(value.to_f64()));
    }
}

impl UpDownCounter {
    /// Adds so many, or takes them away.
    pub fn add(&self, count: i64, attributes: impl Attributes) {
        self.0.series(&attributes, |series| series.0.add(count));
    }
}

/// Offers a measurement that was made in the current span.
fn offer(exemplars: &ExemplarSlots, value: f64) {
    if exemplars.takes_any() {
        context::with_current(|cx| exemplars.offer(value, cx.span().span_context()));
    }
}
