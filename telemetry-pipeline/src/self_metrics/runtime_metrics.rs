//! `tokio.runtime.*`: what tokio's stable metrics say of each runtime. The conventions have no names for it, so these
//! follow their rules for names.

use std::sync::Arc;

use opentelemetry::{KeyValue, metrics::Meter};
use tokio::runtime::{Handle, RuntimeMetrics};

/// An instrument with one value for each runtime.
macro_rules! instrument {
    ($meter:ident, $runtimes:ident, $kind:ident, $name:literal, $unit:literal, $about:literal, $read:expr) => {{
        let runtimes = $runtimes.clone();
        let read: fn(&RuntimeMetrics) -> _ = $read;
        $meter
            .$kind($name)
            .with_unit($unit)
            .with_description($about)
            .with_callback(move |observer| {
                for (attributes, metrics) in runtimes.iter() {
                    observer.observe(read(metrics), attributes);
                }
            })
            .build();
    }};
}

/// The runtimes, each with its name.
type Runtimes = Arc<[([KeyValue; 1], RuntimeMetrics)]>;

/// Makes the instruments. They live as long as the meter's provider.
pub(crate) fn observe(meter: &Meter, runtimes: Vec<(String, Handle)>) {
    if runtimes.is_empty() {
        return;
    }
    let runtimes: Runtimes = runtimes
        .into_iter()
        .map(|(name, handle)| {
            (
                [KeyValue::new("tokio.runtime.name", name)],
                handle.metrics(),
            )
        })
        .collect();

    instrument!(
        meter,
        runtimes,
        i64_observable_up_down_counter,
        "tokio.runtime.worker.count",
        "{worker}",
        "Worker threads",
        |metrics| count(metrics.num_workers())
    );
    instrument!(
        meter,
        runtimes,
        i64_observable_up_down_counter,
        "tokio.runtime.task.count",
        "{task}",
        "Tasks that have not ended",
        |metrics| count(metrics.num_alive_tasks())
    );
    instrument!(
        meter,
        runtimes,
        i64_observable_up_down_counter,
        "tokio.runtime.global_queue.size",
        "{task}",
        "Tasks that wait in the queue that all workers share",
        |metrics| count(metrics.global_queue_depth())
    );
    #[cfg(target_has_atomic = "64")]
    observe_workers(meter, &runtimes);
}

/// The metrics that tokio counts with 64-bit atomics.
#[cfg(target_has_atomic = "64")]
fn observe_workers(meter: &Meter, runtimes: &Runtimes) {
    instrument!(
        meter,
        runtimes,
        f64_observable_counter,
        "tokio.runtime.worker.busy_time",
        "s",
        "Time that workers were busy, of all together",
        |metrics| of_workers(metrics)
            .map(|w| metrics.worker_total_busy_duration(w).as_secs_f64())
            .sum::<f64>()
    );
    instrument!(
        meter,
        runtimes,
        u64_observable_counter,
        "tokio.runtime.worker.parks",
        "{park}",
        "Times that workers had nothing to do and went to sleep, of all together",
        |metrics| of_workers(metrics)
            .map(|w| metrics.worker_park_count(w))
            .sum::<u64>()
    );
}

#[cfg(target_has_atomic = "64")]
fn of_workers(metrics: &RuntimeMetrics) -> std::ops::Range<usize> {
    0..metrics.num_workers()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
