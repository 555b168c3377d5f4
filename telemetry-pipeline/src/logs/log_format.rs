//! The formats of a line.

use std::io::{self, IsTerminal};

use tracing::{Metadata, field::Visit};

use crate::logs::{
    json::{self, Json},
    json_members::Members,
    line::Line,
    readable,
    span_fields::FormatFields,
};

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
}

impl FormatFields for Form {
    fn format_fields(
        &self,
        text: &mut String,
        metadata: &'static Metadata<'static>,
        max_value: usize,
        record: &mut dyn FnMut(&mut dyn Visit),
    ) {
        match self {
            Self::Readable => record(&mut readable::Fields::of_span(text, max_value)),
            Self::Json(json) => {
                let callsite = json.callsite(metadata, metadata.level().into());
                record(&mut Members::of_span(text, &callsite, max_value));
            }
        }
    }
}
