//! The SDK's meters, with what they leave to the application taken care of.
//!
//! The SDK runs the application's callbacks while it holds a lock. A panic would poison it and end all metrics of the
//! process, at `/metrics` as well, where it would also fail the request. Caught inside of the callback, it costs one
//! measurement. A counter refuses what would make it fall: the SDK computes a negative delta of it, which panics in a debug
//! build. A histogram without bounds gets those of its unit. Two instruments of one name are a warning if they differ.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use opentelemetry::{
    InstrumentationScope,
    metrics::{
        AsyncInstrumentBuilder, Callback, Counter, Gauge, Histogram, HistogramBuilder,
        InstrumentBuilder, InstrumentProvider, Meter, MeterProvider, ObservableCounter,
        ObservableGauge, ObservableUpDownCounter, UpDownCounter,
    },
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::{
    metrics::{
        definitions::{Definition, Definitions},
        rising::{NonNegative, Rising, Total},
    },
    otlp::Reporter,
};
use telemetry_semconv::buckets;

/// The SDK's meters with guarded callbacks.
#[derive(Clone)]
pub(crate) struct GuardedMeters {
    provider: SdkMeterProvider,
    guard: Guard,
}

impl GuardedMeters {
    pub(crate) fn new(provider: SdkMeterProvider, reporter: Arc<Reporter>) -> Self {
        let guard = Guard {
            panics: Arc::default(),
            definitions: Arc::default(),
            reporter,
        };
        Self { provider, guard }
    }
}

impl MeterProvider for GuardedMeters {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        Meter::new(Arc::new(GuardedMeter {
            scope: scope.name().to_owned(),
            meter: self.provider.meter_with_scope(scope),
            guard: self.guard.clone(),
        }))
    }
}

struct GuardedMeter {
    scope: String,
    meter: Meter,
    guard: Guard,
}

impl GuardedMeter {
    /// The SDK's own provider of instruments, which a meter shows only through its builders.
    fn sdk(&self) -> &dyn InstrumentProvider {
        self.meter.u64_counter("").instrument_provider
    }
}

#[derive(Clone)]
struct Guard {
    panics: Arc<AtomicU64>,
    definitions: Arc<Definitions>,
    reporter: Arc<Reporter>,
}

impl Guard {
    fn callback<M: 'static>(&self, instrument: Arc<str>, callback: Callback<M>) -> Callback<M> {
        let guard = self.clone();
        Box::new(move |observer| guard.run(&instrument, || callback(observer)))
    }

    /// A callback whose values only rise.
    fn rising_callback<M: Total>(
        &self,
        instrument: Arc<str>,
        callback: Callback<M>,
    ) -> Callback<M> {
        let guard = self.clone();
        let rising = Rising::new(self.refusal(&instrument));
        Box::new(move |observer| {
            rising.observe(observer, |observer| {
                guard.run(&instrument, || callback(observer));
            });
        })
    }

    fn run(&self, instrument: &str, callback: impl FnOnce()) {
        // The callback is the application's; what it shares with others is guarded by its own locks.
        if catch_unwind(AssertUnwindSafe(callback)).is_err() {
            let panics = self.panics.fetch_add(1, Ordering::Relaxed) + 1;
            self.reporter.callback_panicked(instrument, panics);
        }
    }

    /// Tells of a counter that was to fall.
    fn refusal(&self, instrument: &str) -> impl Fn() + Send + Sync + 'static {
        let (reporter, instrument) = (self.reporter.clone(), Arc::<str>::from(instrument));
        move || {
            reporter.log(|| {
                let instrument = &*instrument;
                tracing::warn!(
                    target: "telemetry",
                    instrument,
                    "a counter was given a negative number, or a total that is lower than before; it only rises, and keeps \
                     the highest total. Use an up-down counter for what falls"
                );
            });
        }
    }

    fn check(&self, scope: &str, name: &str, definition: Definition) {
        let second = definition.to_string();
        if let Some(first) = self.definitions.conflict(scope, name, definition) {
            self.reporter.log(|| {
                let first = first.to_string();
                tracing::warn!(
                    target: "telemetry",
                    instrument = name,
                    scope,
                    first,
                    second,
                    "two instruments have one name and differ; their series stand side by side in an export and may look \
                     like one. Give one of them another name"
                );
            });
        }
    }
}

macro_rules! check {
    ($meter:expr, $kind:ident, $builder:expr) => {{
        let text = |text: &Option<std::borrow::Cow<'static, str>>| {
            text.as_deref().unwrap_or_default().to_owned()
        };
        let definition = Definition {
            kind: stringify!($kind),
            unit: text(&$builder.unit),
            description: text(&$builder.description),
        };
        $meter
            .guard
            .check(&$meter.scope, &$builder.name, definition);
    }};
}

macro_rules! instruments {
    ($($name:ident: $instrument:ty;)*) => {$(
        fn $name(&self, builder: InstrumentBuilder<'_, $instrument>) -> $instrument {
            check!(self, $name, builder);
            self.sdk().$name(builder)
        }
    )*};
}

macro_rules! histograms {
    ($($name:ident: $instrument:ty;)*) => {$(
        fn $name(&self, mut builder: HistogramBuilder<'_, $instrument>) -> $instrument {
            check!(self, $name, builder);
            let unit = builder.unit.as_deref().unwrap_or_default();
            let bounds = || buckets::for_unit(unit).to_vec();
            builder.boundaries = Some(builder.boundaries.take().unwrap_or_else(bounds));
            self.sdk().$name(builder)
        }
    )*};
}

macro_rules! observables {
    ($($name:ident: $instrument:ty, $measure:ty, $guarded:ident;)*) => {$(
        fn $name(&self, mut builder: AsyncInstrumentBuilder<'_, $instrument, $measure>) -> $instrument {
            check!(self, $name, builder);
            let name: Arc<str> = Arc::from(&*builder.name);
            let callbacks = std::mem::take(&mut builder.callbacks).into_iter();
            builder.callbacks = callbacks.map(|one| self.guard.$guarded(name.clone(), one)).collect();
            self.sdk().$name(builder)
        }
    )*};
}

impl InstrumentProvider for GuardedMeter {
    instruments! {
        u64_counter: Counter<u64>;
        i64_up_down_counter: UpDownCounter<i64>;
        f64_up_down_counter: UpDownCounter<f64>;
        u64_gauge: Gauge<u64>;
        f64_gauge: Gauge<f64>;
        i64_gauge: Gauge<i64>;
    }

    fn f64_counter(&self, builder: InstrumentBuilder<'_, Counter<f64>>) -> Counter<f64> {
        check!(self, f64_counter, builder);
        let refusal = self.guard.refusal(&builder.name);
        let counter = self.sdk().f64_counter(builder);
        Counter::new(Arc::new(NonNegative::new(counter, refusal)))
    }

    histograms! {
        f64_histogram: Histogram<f64>;
        u64_histogram: Histogram<u64>;
    }

    observables! {
        u64_observable_counter: ObservableCounter<u64>, u64, rising_callback;
        f64_observable_counter: ObservableCounter<f64>, f64, rising_callback;
        i64_observable_up_down_counter: ObservableUpDownCounter<i64>, i64, callback;
        f64_observable_up_down_counter: ObservableUpDownCounter<f64>, f64, callback;
        u64_observable_gauge: ObservableGauge<u64>, u64, callback;
        i64_observable_gauge: ObservableGauge<i64>, i64, callback;
        f64_observable_gauge: ObservableGauge<f64>, f64, callback;
    }
}

impl fmt::Debug for GuardedMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedMeters").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
