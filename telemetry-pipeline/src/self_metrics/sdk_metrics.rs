//! `otel.sdk.*` (semantic conventions 1.44, development): what became of all that was recorded.
//!
//! Everything but the durations is read from counters that the pipeline has anyway.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Meter},
};

use crate::{
    metrics::metric_reader::SharedReader,
    otlp::{Monitor, Signal, component},
    traces::sampling::{DECISIONS, ORIGINS, SamplerHandle},
};
use telemetry_semconv::http::DURATION_BOUNDS;

/// The parts of the pipeline that are observed.
pub(crate) struct Observed<'a> {
    pub(crate) monitors: &'a [Arc<Monitor>],
    pub(crate) sampler: &'a SamplerHandle,
    pub(crate) readers: &'a [SharedReader],
    pub(crate) lost_elsewhere: &'a LostElsewhere,
}

/// Log records that were lost elsewhere than on the way to the collector, such as lines that standard output did not
/// take: each count has the component that lost them and why.
#[derive(Clone, Default)]
pub(crate) struct LostElsewhere(Arc<Mutex<Vec<Count>>>);

type Count = (Vec<KeyValue>, Arc<dyn Fn() -> u64 + Send + Sync>);

impl LostElsewhere {
    /// Shows this count as `otel.sdk.processor.log.processed` of a component of this type (in lower case, such as
    /// `stdout_log_writer`) with this `error.type` (such as `blocked`). It must not fall.
    pub(crate) fn log_records(
        &self,
        component_type: &str,
        error_type: &str,
        count: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        let attributes = component(component_type, Some(error_type));
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.push((attributes, Arc::new(count)));
    }

    fn observe(&self, observer: &dyn AsyncInstrument<u64>) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (attributes, count) in counts.iter() {
            observer.observe(count(), attributes);
        }
    }
}

impl fmt::Debug for LostElsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LostElsewhere").finish_non_exhaustive()
    }
}

/// Makes the instruments. They live as long as the meter's provider.
pub(crate) fn observe(meter: &Meter, observed: &Observed<'_>) {
    spans(meter, observed);
    for monitor in observed.monitors {
        match monitor.signal() {
            Signal::Traces => {
                queue(meter, monitor, "span", "{span}");
                processed(meter, monitor, "span", "{span}", None);
                exporter(meter, monitor, "span", "{span}");
            }
            Signal::Logs => {
                created(meter, monitor);
                queue(meter, monitor, "log", "{log_record}");
                let elsewhere = Some(observed.lost_elsewhere.clone());
                processed(meter, monitor, "log", "{log_record}", elsewhere);
                exporter(meter, monitor, "log", "{log_record}");
            }
            Signal::Metrics => exporter(meter, monitor, "metric_data_point", "{data_point}"),
        }
    }
    let mut signals = observed.monitors.iter().map(|monitor| monitor.signal());
    // Lines are written, and lost, whether or not records are exported.
    if !signals.any(|signal| signal == Signal::Logs) {
        let elsewhere = observed.lost_elsewhere.clone();
        meter
            .u64_observable_counter("otel.sdk.processor.log.processed")
            .with_unit("{log_record}")
            .with_description(PROCESSED)
            .with_callback(move |observer| elsewhere.observe(observer))
            .build();
    }
    let durations = meter
        .f64_histogram("otel.sdk.exporter.operation.duration")
        .with_unit("s")
        .with_description("How long exports took, retries included")
        .with_boundaries(DURATION_BOUNDS.to_vec())
        .build();
    for monitor in observed.monitors {
        monitor.record_durations(durations.clone());
    }
    let collections = meter
        .f64_histogram("otel.sdk.metric_reader.collection.duration")
        .with_unit("s")
        .with_description("How long reading all metrics took")
        .with_boundaries(DURATION_BOUNDS.to_vec())
        .build();
    for reader in observed.readers {
        reader.record_durations(collections.clone());
    }
}

const PROCESSED: &str = "What was given to the exporter, and with error.type what was lost before";

fn spans(meter: &Meter, observed: &Observed<'_>) {
    let sampler = observed.sampler.clone();
    meter
        .u64_observable_counter("otel.sdk.span.started")
        .with_unit("{span}")
        .with_description("Spans that were started, unsampled ones included")
        .with_callback(move |observer| {
            for (result, name) in DECISIONS.iter().enumerate() {
                for (origin, parent) in ORIGINS.iter().enumerate() {
                    let started = sampler.spans().started(result, origin);
                    if started > 0 {
                        let attributes = [
                            KeyValue::new("otel.span.sampling_result", *name),
                            KeyValue::new("otel.span.parent.origin", *parent),
                        ];
                        observer.observe(started, &attributes);
                    }
                }
            }
        })
        .build();
    let traces = |monitor: &&Arc<Monitor>| monitor.signal() == Signal::Traces;
    // Without an export nobody looks at spans when they end.
    if let Some(monitor) = observed.monitors.iter().find(traces) {
        let (sampler, monitor) = (observed.sampler.clone(), monitor.clone());
        meter
            .i64_observable_up_down_counter("otel.sdk.span.live")
            .with_unit("{span}")
            .with_description("Recorded spans that have not ended")
            .with_callback(move |observer| {
                for (result, live) in [
                    (1, live_unsampled(&sampler)),
                    (2, live_sampled(&sampler, &monitor)),
                ] {
                    let attributes = [KeyValue::new(
                        "otel.span.sampling_result",
                        DECISIONS[result],
                    )];
                    observer.observe(i64::try_from(live).unwrap_or(i64::MAX), &attributes);
                }
            })
            .build();
    }
}

/// Those that ended have come to the queue, along with ones that were kept although they were not sampled.
fn live_sampled(sampler: &SamplerHandle, monitor: &Monitor) -> u64 {
    // A span that ends meanwhile counts as live, and not as one that ended before it started.
    let ended = monitor.offered();
    let kept = sampler.spans().kept();
    (sampler.spans().started_of(2) + kept).saturating_sub(ended)
}

fn live_unsampled(sampler: &SamplerHandle) -> u64 {
    let ended = sampler.spans().ended_unsampled();
    sampler.spans().started_of(1).saturating_sub(ended)
}

fn created(meter: &Meter, monitor: &Arc<Monitor>) {
    let monitor = monitor.clone();
    // A count that lags behind for a moment must not look like one that starts anew.
    let most = AtomicU64::new(0);
    meter
        .u64_observable_counter("otel.sdk.log.created")
        .with_unit("{log_record}")
        .with_description("Log records that were made for export")
        .with_callback(move |observer| {
            let offered = monitor.offered();
            let before = most.fetch_max(offered, Ordering::Relaxed);
            observer.observe(before.max(offered), &[]);
        })
        .build();
}

fn queue(meter: &Meter, monitor: &Arc<Monitor>, signal: &str, unit: &'static str) {
    let attributes = component(processor(monitor), None);
    for (what, about) in [
        ("size", "What waits in the queue"),
        ("capacity", "What the queue can hold"),
    ] {
        let (monitor, attributes) = (monitor.clone(), attributes.clone());
        meter
            .i64_observable_up_down_counter(format!("otel.sdk.processor.{signal}.queue.{what}"))
            .with_unit(unit)
            .with_description(about)
            .with_callback(move |observer| {
                if let Some((length, capacity)) = monitor.queue() {
                    let value = if what == "size" { length } else { capacity };
                    observer.observe(i64::try_from(value).unwrap_or(i64::MAX), &attributes);
                }
            })
            .build();
    }
}

fn processed(
    meter: &Meter,
    monitor: &Arc<Monitor>,
    signal: &str,
    unit: &'static str,
    elsewhere: Option<LostElsewhere>,
) {
    let monitor = monitor.clone();
    meter
        .u64_observable_counter(format!("otel.sdk.processor.{signal}.processed"))
        .with_unit(unit)
        .with_description(PROCESSED)
        .with_callback(move |observer| {
            let kind = processor(&monitor);
            observer.observe(monitor.handed_over(), &component(kind, None));
            for (error_type, lost) in monitor.refused() {
                observer.observe(lost, &component(kind, Some(error_type)));
            }
            if let Some(elsewhere) = &elsewhere {
                elsewhere.observe(observer);
            }
        })
        .build();
}

fn exporter(meter: &Meter, monitor: &Arc<Monitor>, signal: &str, unit: &'static str) {
    let own = monitor.clone();
    meter
        .u64_observable_counter(format!("otel.sdk.exporter.{signal}.exported"))
        .with_unit(unit)
        .with_description(
            "What the collector accepted, and with error.type what was lost on the way to it",
        )
        .with_callback(move |observer| {
            observer.observe(own.exported(), &own.exporter(None));
            for (error_type, lost) in own.failures() {
                observer.observe(lost, &own.exporter(Some(&error_type)));
            }
        })
        .build();
    let own = monitor.clone();
    meter
        .i64_observable_up_down_counter(format!("otel.sdk.exporter.{signal}.inflight"))
        .with_unit(unit)
        .with_description("What is on its way to the collector")
        .with_callback(move |observer| {
            let in_flight = i64::try_from(own.in_flight()).unwrap_or(i64::MAX);
            observer.observe(in_flight, &own.exporter(None));
        })
        .build();
}

fn processor(monitor: &Monitor) -> &'static str {
    match monitor.signal() {
        Signal::Traces => "batching_span_processor",
        Signal::Logs | Signal::Metrics => "batching_log_processor",
    }
}
