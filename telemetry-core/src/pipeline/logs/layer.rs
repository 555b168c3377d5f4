//! The `tracing` layer behind all log output.

use std::{cell::RefCell, time::SystemTime};

use opentelemetry::{
    Context,
    trace::{SpanId, TraceContextExt, TraceId},
};
use opentelemetry_sdk::logs::SdkLogger;
use tracing::{Event, Subscriber};
use tracing_subscriber::{Layer, layer::Context as LayerContext};

use super::{LogFormat, LogSink, json, otlp, readable};
use crate::{CorrelationId, Principal};

/// Lines longer than this are rare; a buffer that has grown further is not kept.
const MAX_KEPT_BUFFER: usize = 16 * 1024;

thread_local! {
    static BUFFER: RefCell<String> = const { RefCell::new(String::new()) };
}

#[derive(Debug)]
pub(crate) struct LogLayer {
    format: LogFormat,
    sink: LogSink,
    /// The part of a JSON line that never changes: the service.
    service: String,
    otlp: Option<SdkLogger>,
}

/// The ids a line carries.
pub(super) struct Ids {
    pub(super) trace: Option<(TraceId, SpanId)>,
    pub(super) correlation: Option<CorrelationId>,
    pub(super) principal: Option<Principal>,
}

impl Ids {
    fn current() -> Self {
        Context::map_current(|cx| {
            let span = cx.span();
            let span = span.span_context();
            Self {
                trace: span.is_valid().then(|| (span.trace_id(), span.span_id())),
                correlation: CorrelationId::of(cx),
                principal: Principal::of(cx).cloned(),
            }
        })
    }
}

impl LogLayer {
    pub(crate) fn new(
        format: LogFormat,
        sink: LogSink,
        service: &str,
        otlp: Option<SdkLogger>,
    ) -> Self {
        let mut member = String::new();
        json::write_member(&mut member, "service.name", service);
        Self {
            format,
            sink,
            service: member,
            otlp,
        }
    }

    fn write_line(&self, event: &Event<'_>, ids: &Ids) {
        let written = BUFFER.try_with(|buffer| {
            let Ok(mut line) = buffer.try_borrow_mut() else {
                return false;
            };
            line.clear();
            self.write_into(&mut line, event, ids);
            if line.capacity() > MAX_KEPT_BUFFER {
                *line = String::new();
            }
            true
        });
        // An event logged while a field of another is formatted finds the buffer taken, and one logged while the
        // thread ends finds none.
        if !matches!(written, Ok(true)) {
            self.write_into(&mut String::new(), event, ids);
        }
    }

    fn write_into(&self, line: &mut String, event: &Event<'_>, ids: &Ids) {
        let now = SystemTime::now();
        match self.format {
            LogFormat::Json => json::write(line, event, ids, &self.service, now),
            LogFormat::Readable => readable::write(line, event, ids, now),
        }
        self.sink.write(line);
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        let ids = Ids::current();
        self.write_line(event, &ids);
        if let Some(logger) = &self.otlp
            && !Context::is_current_telemetry_suppressed()
        {
            otlp::emit(logger, event, &ids);
        }
    }
}
