//! One operation on messages, which ends exactly once on every way out.

use std::{
    any::type_name,
    fmt::Display,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    metrics::{BoundCounter, Counter},
    trace::{SpanContext, SpanKind, Status, TraceContextExt as _},
};

use super::Destination;
use crate::{
    correlation::{CORRELATION_ID, CorrelationId},
    instrument::{
        context,
        described::{Described, stable_name},
        duration::{BoundDuration, DurationHistogram, overflow},
        exception,
        providers::{PerProviders, Providers},
        redaction::Redaction,
        series::{Series, SeriesCache},
        tracer::{self, Tracer, is_recorded},
    },
    step::Verdict,
    task::InContext,
};
use telemetry_semconv::{
    attribute::ERROR_TYPE,
    messaging::{
        CLIENT_CONSUMED_MESSAGES, CLIENT_OPERATION_DURATION, CLIENT_SENT_MESSAGES, DURATION_BOUNDS,
        Operation, PROCESS_DURATION,
        attribute::{
            MESSAGING_BATCH_MESSAGE_COUNT, MESSAGING_DESTINATION_NAME,
            MESSAGING_MESSAGE_DELIVERY_ATTEMPT, MESSAGING_OPERATION_NAME, MESSAGING_OPERATION_TYPE,
            MESSAGING_SYSTEM,
        },
        span_name,
    },
    outcome::{CANCELLED, PANIC},
};

/// Destinations times operations times errors; further ones share the overflow series.
const MAX_SERIES: usize = 500;

/// The target of log records.
const TARGET: &str = "telemetry_core::messaging";

/// Runs the future in the operation, if there is one. `classify` is code of the application: if it panics, so does the caller.
pub(super) async fn observe<F, T, E>(
    running: Option<Running>,
    future: F,
    classify: impl Fn(&E) -> Verdict,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Display,
{
    let Some(running) = running else {
        return future.await;
    };
    let result = InContext::new(future, running.context().clone()).await;
    match result.as_ref().map_err(|error| (classify(error), error)) {
        Ok(_) | Err((Verdict::Ok, _)) => running.succeeded(),
        Err((Verdict::Rejected(reason), error)) => {
            running.rejected(reason, type_name::<E>(), error)
        }
        Err((Verdict::Failed(error_type), error)) => {
            running.failed(error_type, type_name::<E>(), error);
        }
    }
    result
}

/// The verdict on an error that nobody classifies: it failed, and its type says how.
pub(super) fn by_type<E>(_: &E) -> Verdict {
    Verdict::Failed(stable_name(type_name::<E>()))
}

/// An operation in progress; ends at the latest when dropped.
#[derive(Debug)]
pub(super) struct Running {
    cx: Context,
    instruments: Arc<MessagingInstruments>,
    key: SeriesKey,
    /// The number of messages to count.
    messages: usize,
    started: Instant,
    ended: bool,
}

impl Running {
    /// Starts the span; `None` without a pipeline.
    pub(super) fn start(
        destination: &Destination,
        operation: Operation,
        kind: SpanKind,
        parent: &Context,
        links: &[SpanContext],
        batch: Option<usize>,
    ) -> Option<Self> {
        static INSTRUMENTS: PerProviders<MessagingInstruments> = PerProviders::new();
        let instruments = INSTRUMENTS.get(Providers::current()?, |providers| {
            providers.shared(MessagingInstruments::new)
        });
        let name = span_name(operation, destination.name);
        let cx = instruments.tracer.start(parent, name, kind, || {
            let mut attributes = vec![
                KeyValue::new(MESSAGING_SYSTEM, destination.system),
                KeyValue::new(MESSAGING_DESTINATION_NAME, destination.name),
                KeyValue::new(MESSAGING_OPERATION_NAME, operation.as_str()),
                KeyValue::new(MESSAGING_OPERATION_TYPE, operation.as_str()),
            ];
            attributes.extend(destination.attempt.map(|attempt| {
                KeyValue::new(MESSAGING_MESSAGE_DELIVERY_ATTEMPT, i64::from(attempt))
            }));
            attributes.extend(batch.map(|count| {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                KeyValue::new(MESSAGING_BATCH_MESSAGE_COUNT, count)
            }));
            attributes
        });
        let span = cx.span();
        if is_recorded(&span) {
            for link in links {
                span.add_link(link.clone(), Vec::new());
            }
        }
        Some(Self {
            cx,
            instruments,
            key: SeriesKey {
                system: destination.system,
                destination: destination.name,
                operation,
                error_type: None,
            },
            messages: batch.unwrap_or(1),
            started: Instant::now(),
            ended: false,
        })
    }

    pub(super) fn context(&self) -> &Context {
        &self.cx
    }

    /// Puts the sender's correlation id on the span, as servers do.
    pub(super) fn correlate(&self) {
        let span = self.cx.span();
        if is_recorded(&span)
            && let Some(id) = CorrelationId::of(&self.cx)
        {
            span.set_attribute(KeyValue::new(CORRELATION_ID, id));
        }
    }

    pub(super) fn succeeded(mut self) {
        self.end(None);
    }

    /// Its messages are counted elsewhere.
    pub(super) fn counts_nothing(&mut self) {
        self.messages = 0;
    }

    /// Gives its context a value.
    pub(super) fn carry<V: Send + Sync + 'static>(&mut self, value: V) {
        self.cx = self.cx.with_value(value);
    }

    fn rejected(mut self, reason: &'static str, type_name: &'static str, error: &dyn Display) {
        let error = Described::text(type_name, error, &self.instruments.redaction);
        self.log(&error, |key| {
            tracing::info!(
                name: "message",
                target: TARGET,
                {
                    messaging.destination.name = key.destination,
                    messaging.operation.name = key.operation.as_str(),
                    reason,
                    exception.type = error.kind,
                    exception.message = error.message,
                    exception.cause = error.cause(),
                },
                "message rejected"
            );
        });
        self.end(None);
    }

    fn failed(mut self, error_type: &'static str, type_name: &'static str, error: &dyn Display) {
        let error = Described::text(type_name, error, &self.instruments.redaction);
        let span = self.cx.span();
        if is_recorded(&span) {
            span.set_status(tracer::failed(error.message.clone()));
        }
        self.log(&error, |key| {
            tracing::error!(
                name: "message",
                target: TARGET,
                {
                    messaging.destination.name = key.destination,
                    messaging.operation.name = key.operation.as_str(),
                    error.type = error_type,
                    exception.type = error.kind,
                    exception.message = error.message,
                    exception.cause = error.cause(),
                },
                "message failed"
            );
        });
        self.end(Some(error_type));
    }

    /// Writes the log record of an error in the operation's context, unless a step or another operation has written it.
    fn log(&self, error: &Described, write: impl FnOnce(&SeriesKey)) {
        if context::is_ending() || !exception::is_new(self.cx.span().span_context(), &error.texts())
        {
            return;
        }
        let _attached = context::attach(self.cx.clone());
        write(&self.key);
    }

    /// While the thread ends, nobody knows which thread-locals of processors are still there.
    fn end(&mut self, error_type: Option<&'static str>) {
        self.ended = true;
        self.key.error_type = error_type;
        if context::is_ending() {
            let _ = catch_unwind(AssertUnwindSafe(|| self.record()));
        } else {
            self.record();
        }
    }

    fn record(&self) {
        let span = self.cx.span();
        if let Some(error_type) = self.key.error_type {
            span.set_attribute(KeyValue::new(ERROR_TYPE, error_type));
        }
        let instruments = &self.instruments;
        // A message that is created has not been sent, and is no operation of the client's.
        if self.key.operation != Operation::Create {
            let series = instruments.series.get(&self.key, |series| {
                instruments.bind(self.key.operation, series)
            });
            if self.messages > 0 {
                series.messages.add(self.messages as u64);
            }
            let seconds = self.started.elapsed().as_secs_f64();
            series.duration.record(seconds, span.span_context());
        }
        span.end();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let panicked = std::thread::panicking();
            self.cx.span().set_status(Status::error(""));
            self.end(Some(if panicked { PANIC } else { CANCELLED }));
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SeriesKey {
    system: &'static str,
    destination: &'static str,
    operation: Operation,
    error_type: Option<&'static str>,
}

struct Recorders {
    messages: BoundCounter<u64>,
    duration: BoundDuration,
}

/// The instruments of all messages of a pipeline.
struct MessagingInstruments {
    tracer: Tracer,
    redaction: Arc<Redaction>,
    sent: Counter<u64>,
    consumed: Counter<u64>,
    operation_duration: DurationHistogram,
    process_duration: DurationHistogram,
    series: SeriesCache<SeriesKey, Arc<Recorders>>,
}

impl std::fmt::Debug for MessagingInstruments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessagingInstruments")
            .finish_non_exhaustive()
    }
}

impl MessagingInstruments {
    fn new(providers: &Providers) -> Self {
        let scope = InstrumentationScope::builder("telemetry-core.messaging")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = providers.meter(scope.clone());
        let counter = |name: &'static str, description: &'static str| {
            let counter = meter.u64_counter(name).with_description(description);
            counter.with_unit("{message}").build()
        };
        let duration = |name: &'static str, description: &'static str| {
            providers.duration_histogram(&meter, name, description, &DURATION_BOUNDS)
        };
        Self {
            tracer: providers.tracer(scope),
            redaction: Redaction::of(providers),
            sent: counter(
                CLIENT_SENT_MESSAGES,
                "Messages a producer attempted to send.",
            ),
            consumed: counter(
                CLIENT_CONSUMED_MESSAGES,
                "Messages delivered to the application.",
            ),
            operation_duration: duration(
                CLIENT_OPERATION_DURATION,
                "Duration of operations that a producer or consumer initiated.",
            ),
            process_duration: duration(PROCESS_DURATION, "Duration of processing messages."),
            series: SeriesCache::new(MAX_SERIES),
        }
    }

    fn bind(&self, operation: Operation, series: Series<'_, SeriesKey>) -> Arc<Recorders> {
        let attributes = match series {
            Series::Overflow => overflow(),
            Series::Of(key) => {
                let mut attributes = vec![
                    KeyValue::new(MESSAGING_SYSTEM, key.system),
                    KeyValue::new(MESSAGING_DESTINATION_NAME, key.destination),
                    KeyValue::new(MESSAGING_OPERATION_NAME, key.operation.as_str()),
                ];
                attributes.extend(key.error_type.map(|kind| KeyValue::new(ERROR_TYPE, kind)));
                attributes
            }
        };
        let (messages, duration) = match operation {
            Operation::Process => (&self.consumed, &self.process_duration),
            Operation::Send | Operation::Create => (&self.sent, &self.operation_duration),
        };
        Arc::new(Recorders {
            messages: messages.bind(&attributes),
            duration: duration.bind(&attributes),
        })
    }
}
