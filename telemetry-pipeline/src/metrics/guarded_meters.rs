//! Meters whose observable callbacks may panic.
//!
//! The SDK runs the application's callbacks while it holds a lock. A panic would poison it and end all metrics of the
//! process, at `/metrics` as well, where it would also fail the request. Caught inside of the callback, it costs one
//! measurement.

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

use crate::otlp::Reporter;

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
            reporter,
        };
        Self { provider, guard }
    }
}

impl MeterProvider for GuardedMeters {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        Meter::new(Arc::new(GuardedMeter {
            meter: self.provider.meter_with_scope(scope),
            guard: self.guard.clone(),
        }))
    }
}

struct GuardedMeter {
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
    reporter: Arc<Reporter>,
}

impl Guard {
    fn callback<M: 'static>(&self, instrument: Arc<str>, callback: Callback<M>) -> Callback<M> {
        let guard = self.clone();
        Box::new(move |observer| {
            // The callback is the application's; what it shares with others is guarded by its own locks.
            if catch_unwind(AssertUnwindSafe(|| callback(observer))).is_err() {
                let panics = guard.panics.fetch_add(1, Ordering::Relaxed) + 1;
                guard.reporter.callback_panicked(&instrument, panics);
            }
        })
    }
}

macro_rules! instruments {
    ($($name:ident: $builder:ident<$instrument:ty>;)*) => {$(
        fn $name(&self, builder: $builder<'_, $instrument>) -> $instrument {
            self.sdk().$name(builder)
        }
    )*};
}

macro_rules! observables {
    ($($name:ident: $instrument:ty, $measure:ty;)*) => {$(
        fn $name(&self, mut builder: AsyncInstrumentBuilder<'_, $instrument, $measure>) -> $instrument {
            let name: Arc<str> = Arc::from(&*builder.name);
            let callbacks = std::mem::take(&mut builder.callbacks).into_iter();
            builder.callbacks = callbacks.map(|one| self.guard.callback(name.clone(), one)).collect();
            self.sdk().$name(builder)
        }
    )*};
}

impl InstrumentProvider for GuardedMeter {
    instruments! {
        u64_counter: InstrumentBuilder<Counter<u64>>;
        f64_counter: InstrumentBuilder<Counter<f64>>;
        i64_up_down_counter: InstrumentBuilder<UpDownCounter<i64>>;
        f64_up_down_counter: InstrumentBuilder<UpDownCounter<f64>>;
        u64_gauge: InstrumentBuilder<Gauge<u64>>;
        f64_gauge: InstrumentBuilder<Gauge<f64>>;
        i64_gauge: InstrumentBuilder<Gauge<i64>>;
        f64_histogram: HistogramBuilder<Histogram<f64>>;
        u64_histogram: HistogramBuilder<Histogram<u64>>;
    }

    observables! {
        u64_observable_counter: ObservableCounter<u64>, u64;
        f64_observable_counter: ObservableCounter<f64>, f64;
        i64_observable_up_down_counter: ObservableUpDownCounter<i64>, i64;
        f64_observable_up_down_counter: ObservableUpDownCounter<f64>, f64;
        u64_observable_gauge: ObservableGauge<u64>, u64;
        i64_observable_gauge: ObservableGauge<i64>, i64;
        f64_observable_gauge: ObservableGauge<f64>, f64;
    }
}

impl fmt::Debug for GuardedMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedMeters").finish_non_exhaustive()
    }
}
