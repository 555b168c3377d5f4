//! The parts of one log line, before any format.

use std::time::SystemTime;

use opentelemetry::{
    Context,
    logs::Severity as OtlpSeverity,
    trace::{SpanId, TraceContextExt, TraceId},
};
use tracing::{Event, Level, Metadata};

use crate::logs::span_fields::{self, SurroundingSpans};
use telemetry_api::{
    correlation::CorrelationId, instrument::pipeline::is_principal_key, principal::Principal,
};

/// The severity of a line. `tracing` has no level `Fatal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl From<&Level> for Severity {
    fn from(level: &Level) -> Self {
        match *level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            Level::DEBUG => Self::Debug,
            Level::TRACE => Self::Trace,
        }
    }
}

impl Severity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// A [LogSeverity](https://docs.cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity).
    pub(crate) fn gcp(self) -> &'static str {
        match self {
            Self::Trace | Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARNING",
            Self::Error => "ERROR",
            Self::Fatal => "CRITICAL",
        }
    }

    pub(crate) fn otlp(self) -> OtlpSeverity {
        match self {
            Self::Trace => OtlpSeverity::Trace,
            Self::Debug => OtlpSeverity::Debug,
            Self::Info => OtlpSeverity::Info,
            Self::Warn => OtlpSeverity::Warn,
            Self::Error => OtlpSeverity::Error,
            Self::Fatal => OtlpSeverity::Fatal,
        }
    }
}

/// The parts of a line and of an OTLP record.
pub(crate) struct Line<'a> {
    pub(crate) event: &'a Event<'a>,
    pub(crate) target: &'a str,
    pub(crate) severity: Severity,
    pub(crate) now: SystemTime,
    pub(crate) ids: &'a Ids,
    /// File and line, if not those of the event.
    pub(crate) source: Option<(&'a str, u32)>,
    pub(crate) spans: Option<&'a dyn SurroundingSpans>,
}

/// The ids a line carries.
#[derive(Default)]
pub(crate) struct Ids {
    pub(crate) trace: Option<TraceIds>,
    /// The correlation id, if it is not the trace id.
    pub(crate) foreign: Option<CorrelationId>,
    /// On whose behalf the line was written.
    pub(crate) principal: Option<Principal>,
}

pub(crate) struct TraceIds {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) sampled: bool,
}

/// Returns whether events of this callsite are records of the `log` crate. All of one level share a callsite, so their target,
/// file and line are fields.
pub(crate) fn is_log_record(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "log" && metadata.name() == "log event"
}

/// Returns whether a field of a `log` record is metadata and no field of the line.
pub(crate) fn is_log_metadata(field: &str) -> bool {
    field.starts_with("log.")
}

impl Line<'_> {
    /// Appends the fields of the spans around the event. A field of the event, or of the principal, counts more.
    pub(crate) fn write_span_fields(&self, text: &mut String) {
        let Some(spans) = self.spans else { return };
        let event = self.event.metadata().fields();
        let principal = self.ids.principal.is_some();
        span_fields::write(text, spans, |name| {
            event.field(name).is_some() || principal && is_principal_key(name)
        });
    }
}

impl Ids {
    pub(crate) fn correlation(&self) -> Option<CorrelationId> {
        let own = || {
            let ids = self.trace.as_ref()?;
            Some(CorrelationId::from_trace_id(ids.trace))
        };
        self.foreign.clone().or_else(own)
    }

    pub(crate) fn of(cx: &Context) -> Self {
        let span = cx.span();
        let span = span.span_context();
        Self {
            trace: span.is_valid().then(|| TraceIds {
                trace: span.trace_id(),
                span: span.span_id(),
                sampled: span.is_sampled(),
            }),
            foreign: CorrelationId::foreign(cx).cloned(),
            principal: Principal::of(cx).cloned(),
        }
    }
}
