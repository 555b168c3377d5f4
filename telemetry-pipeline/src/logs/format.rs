//! The formats of a line, and what a line is made of.

use std::{
    io::{self, IsTerminal},
    time::SystemTime,
};

use opentelemetry::{
    Context,
    logs::Severity as OtlpSeverity,
    trace::{SpanId, TraceContextExt, TraceId},
};
use tracing::{Event, Level, Metadata, field::Visit};

use super::{
    json::{self, Json},
    readable,
    span_fields::SpanFields,
};
use telemetry_api::{correlation::CorrelationId, principal::Principal};

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object a line, for machines: `timestamp`, `level`, `service.name`, `target`, `message`, the event's
    /// fields, `trace_id`, `span_id`, `correlation_id`.
    Json,
    /// One readable line, for people.
    Readable,
    /// JSON as Google Cloud reads it from standard output: `severity`, `time`, `message`,
    /// `logging.googleapis.com/trace` (`projects/<project>/traces/<trace id>`), `…/spanId`, `…/trace_sampled`,
    /// `…/sourceLocation` and, with `service.name`, `…/labels`; the event's fields and `correlation_id` go to
    /// `jsonPayload`. See [structured logging](https://docs.cloud.google.com/logging/docs/structured-logging) and
    /// [linking log entries with traces](https://docs.cloud.google.com/trace/docs/trace-log-integration). The project
    /// is the resource's `cloud.account.id` if its `cloud.provider` is `gcp`, else GOOGLE_CLOUD_PROJECT; without one the
    /// line has a plain `trace_id`, because a trace is named by its full resource name or not at all.
    Gcp,
    /// JSON as CloudWatch and Lambda read it: [`Json`](Self::Json), whose `level` and RFC 3339 `timestamp` are those of
    /// Lambda's
    /// [log level filter](https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html),
    /// and `xray_trace_id`, the trace id as
    /// [X-Ray writes it](https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids)
    /// (`1-` 8 hex digits `-` 24), under the key of
    /// [Powertools for AWS Lambda](https://docs.powertools.aws.dev/lambda/python/latest/core/logger/).
    Aws,
}

impl Default for LogFormat {
    /// Readable on a terminal, JSON otherwise.
    fn default() -> Self {
        if io::stdout().is_terminal() {
            Self::Readable
        } else {
            Self::Json
        }
    }
}

impl LogFormat {
    /// By the name it has in settings.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "json" => Self::Json,
            "readable" => Self::Readable,
            "gcp" => Self::Gcp,
            "aws" => Self::Aws,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Readable => "readable",
            Self::Gcp => "gcp",
            Self::Aws => "aws",
        }
    }
}

/// A format with what never changes from line to line.
#[derive(Debug)]
pub(crate) enum Form {
    Readable,
    Json(Json),
}

impl Form {
    /// `project` is the one of Google Cloud that traces are stored in; empty if unknown.
    pub(crate) fn new(format: LogFormat, service: &str, project: &str) -> Self {
        match format {
            LogFormat::Readable => Self::Readable,
            LogFormat::Json => Self::Json(Json::plain(service)),
            LogFormat::Gcp => Self::Json(Json::gcp(service, project)),
            LogFormat::Aws => Self::Json(Json::aws(service)),
        }
    }

    pub(crate) fn write(&self, text: &mut String, line: &Line<'_>) {
        match self {
            Self::Readable => readable::write(text, line),
            Self::Json(json) => json::write(text, json, line),
        }
    }

    /// Hands `record` a visitor that appends fields of a span as lines have them.
    pub(crate) fn visit_fields(
        &self,
        text: &mut String,
        metadata: &'static Metadata<'static>,
        max_value: usize,
        record: impl FnOnce(&mut dyn Visit),
    ) {
        match self {
            Self::Readable => record(&mut readable::Fields::of_span(text, max_value)),
            Self::Json(json) => {
                let callsite = json.callsite(metadata, metadata.level().into());
                record(&mut json::Members::of_span(text, &callsite, max_value));
            }
        }
    }
}

/// How bad it is. `tracing` has no word for the last.
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

/// What a line, and an OTLP record, is made from.
pub(crate) struct Line<'a> {
    pub(crate) event: &'a Event<'a>,
    pub(crate) severity: Severity,
    pub(crate) now: SystemTime,
    pub(crate) ids: &'a Ids,
    /// File and line, if not those of the event.
    pub(crate) source: Option<(&'a str, u32)>,
    pub(crate) spans: Option<&'a dyn SurroundingSpans>,
}

/// The fields of the spans around an event, innermost first.
pub(crate) trait SurroundingSpans {
    fn each(&self, visit: &mut dyn FnMut(&SpanFields));
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
