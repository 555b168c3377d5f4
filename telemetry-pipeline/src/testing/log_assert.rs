//! Log records, and assertions on them that narrow step by step.

use std::{fmt, time::SystemTime};

use opentelemetry::{
    logs::AnyValue,
    trace::{SpanId, TraceId},
};
use opentelemetry_sdk::logs::SdkLogRecord;
use tracing::Level;

use crate::testing::test_telemetry::TestTelemetry;
use telemetry_api::correlation::CORRELATION_ID;

/// An event of `tracing` as the log record that OTLP would export.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogRecord {
    /// The level of the event.
    pub level: Level,
    /// The target, by default the module.
    pub target: String,
    /// The name, if the event was given one with `name:`.
    pub event_name: Option<String>,
    /// The message.
    pub message: String,
    /// The other fields. The correlation id is no field, but in `correlation_id`.
    pub fields: Vec<(String, AnyValue)>,
    /// The trace it was logged in.
    pub trace_id: Option<TraceId>,
    /// The span it was logged in.
    pub span_id: Option<SpanId>,
    /// The correlation id of the request it was logged in.
    pub correlation_id: Option<String>,
    /// When.
    pub timestamp: Option<SystemTime>,
}

impl LogRecord {
    /// The value of a field.
    pub fn field(&self, key: &str) -> Option<&AnyValue> {
        let found = self.fields.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value)
    }

    fn of(record: &SdkLogRecord) -> Self {
        let attributes = || record.attributes_iter();
        let correlation = attributes().find(|(key, _)| key.as_str() == CORRELATION_ID);
        let fields = attributes().filter(|(key, _)| key.as_str() != CORRELATION_ID);
        let context = record.trace_context();
        Self {
            level: match record.severity_text() {
                Some("ERROR") => Level::ERROR,
                Some("WARN") => Level::WARN,
                Some("INFO") => Level::INFO,
                Some("DEBUG") => Level::DEBUG,
                _ => Level::TRACE,
            },
            target: record.target().map(ToString::to_string).unwrap_or_default(),
            event_name: record.event_name().map(str::to_owned),
            message: record.body().map(show).unwrap_or_default(),
            fields: fields
                .map(|(key, value)| (key.to_string(), value.clone()))
                .collect(),
            trace_id: context.map(|context| context.trace_id),
            span_id: context.map(|context| context.span_id),
            correlation_id: correlation.map(|(_, value)| show(value)),
            timestamp: record.timestamp(),
        }
    }
}

impl fmt::Display for LogRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.level, self.target, self.message)?;
        for (key, value) in &self.fields {
            write!(f, " {key}={}", quoted(value))?;
        }
        for (key, id) in [
            ("trace_id", self.trace_id.map(|id| id.to_string())),
            ("span_id", self.span_id.map(|id| id.to_string())),
            (CORRELATION_ID, self.correlation_id.clone()),
        ] {
            if let Some(id) = id {
                write!(f, " {key}={id}")?;
            }
        }
        Ok(())
    }
}

impl TestTelemetry {
    /// The log records so far, in the order they were logged.
    pub fn logs(&self) -> Vec<LogRecord> {
        let mut records: Vec<_> = self.records.all().iter().map(LogRecord::of).collect();
        if let Some(clock) = &self.clock {
            for record in &mut records {
                record.timestamp = record.timestamp.map(|real| clock.shown(real));
            }
        }
        records
    }

    /// Asserts that something was logged whose message contains this text, and goes on from all that does.
    ///
    /// # Panics
    ///
    /// If there is nothing, as every further step does: with all that was logged, marking what matched so far.
    #[track_caller]
    pub fn assert_log(&self, text: &str) -> LogAssert {
        let all = self.logs();
        let left = (0..all.len()).filter(|at| all[*at].message.contains(text));
        let assert = LogAssert {
            left: left.collect(),
            telemetry: self.clone(),
            all,
            said: format!("log record {text:?}"),
        };
        assert!(
            !assert.left.is_empty(),
            "no {}\n{}",
            assert.said,
            list(&assert.all, &[])
        );
        assert
    }

    /// Asserts that nothing was logged at this level or above it.
    #[track_caller]
    pub fn assert_no_log_above(&self, level: Level) {
        let all = self.logs();
        // `tracing` orders levels by how much they say.
        let loud: Vec<_> = (0..all.len())
            .filter(|at| all[*at].level <= level)
            .collect();
        assert!(
            loud.is_empty(),
            "there are log records at {level} or above\n{}",
            list(&all, &loud)
        );
    }
}

/// The log records that match what was said of them so far: at least one, for each step asserts that there is.
#[derive(Debug)]
pub struct LogAssert {
    telemetry: TestTelemetry,
    all: Vec<LogRecord>,
    left: Vec<usize>,
    said: String,
}

impl LogAssert {
    /// At this level.
    #[track_caller]
    pub fn level(self, level: Level) -> Self {
        self.narrow(&format!("at {level}"), |record| record.level == level)
    }

    /// Of this target.
    #[track_caller]
    pub fn target(self, target: &str) -> Self {
        self.narrow(&format!("of target {target}"), |record| {
            record.target == target
        })
    }

    /// Of this event name.
    #[track_caller]
    pub fn event_name(self, name: &str) -> Self {
        self.narrow(&format!("of event {name}"), |record| {
            record.event_name.as_deref() == Some(name)
        })
    }

    /// With this field. A number is another value than its digits as a string.
    #[track_caller]
    pub fn with(self, key: &str, value: impl Into<AnyValue>) -> Self {
        let value = value.into();
        self.narrow(&format!("with {key}={}", quoted(&value)), |record| {
            record.field(key) == Some(&value)
        })
    }

    /// In this trace.
    #[track_caller]
    pub fn in_trace(self, trace_id: TraceId) -> Self {
        self.narrow(&format!("in trace {trace_id}"), |record| {
            record.trace_id == Some(trace_id)
        })
    }

    /// Logged in a span of this name, whether that has ended or not.
    #[track_caller]
    pub fn in_span(self, name: &str) -> Self {
        let spans = self.telemetry.recorded();
        let ended = spans.iter().filter(|span| span.name == name).map(|span| {
            let cx = &span.span_context;
            (cx.trace_id(), cx.span_id())
        });
        let ids: Vec<_> = ended.chain(self.telemetry.open.named(name)).collect();
        self.narrow(&format!("in span {name:?}"), |record| {
            let own = record.trace_id.zip(record.span_id);
            own.is_some_and(|own| ids.contains(&own))
        })
    }

    /// With this correlation id.
    #[track_caller]
    pub fn correlation_id(self, id: &str) -> Self {
        self.narrow(&format!("with {CORRELATION_ID}={id}"), |record| {
            record.correlation_id.as_deref() == Some(id)
        })
    }

    /// Asserts that there are exactly so many.
    #[track_caller]
    pub fn count(self, count: usize) -> Self {
        assert!(
            self.left.len() == count,
            "{}: {} and not {count}\n{}",
            self.said,
            self.left.len(),
            list(&self.all, &self.left)
        );
        self
    }

    /// The records, in the order they were logged.
    pub fn all(&self) -> Vec<LogRecord> {
        self.left.iter().map(|at| self.all[*at].clone()).collect()
    }

    /// The record, asserting that it is the only one.
    #[track_caller]
    pub fn one(self) -> LogRecord {
        let only = self.count(1);
        only.all[only.left[0]].clone()
    }

    #[track_caller]
    fn narrow(mut self, what: &str, matches: impl Fn(&LogRecord) -> bool) -> Self {
        let holds = |at: &usize| matches(&self.all[*at]);
        let left: Vec<_> = self.left.iter().copied().filter(holds).collect();
        assert!(
            !left.is_empty(),
            "no {} {what}\n{}",
            self.said,
            list(&self.all, &self.left)
        );
        self.left = left;
        self.said = format!("{} {what}", self.said);
        self
    }
}

/// One record a line; if some are marked, theirs begin with `>`.
fn list(all: &[LogRecord], marked: &[usize]) -> String {
    if all.is_empty() {
        return "nothing was logged\n".to_owned();
    }
    let mut text = "what was logged:\n".to_owned();
    for (at, record) in all.iter().enumerate() {
        let mark = if marked.contains(&at) { ">" } else { " " };
        text.push_str(&format!("{mark} {record}\n"));
    }
    text
}

/// Text as it is; anything else as `Debug` writes it.
pub(crate) fn show(value: &AnyValue) -> String {
    match value {
        AnyValue::String(text) => text.as_str().to_owned(),
        AnyValue::Int(number) => number.to_string(),
        AnyValue::Double(number) => number.to_string(),
        AnyValue::Boolean(truth) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

/// Strings are quoted, so that a number as a string does not pass for a number.
fn quoted(value: &AnyValue) -> String {
    match value {
        AnyValue::String(text) => format!("{:?}", text.as_str()),
        other => show(other),
    }
}
