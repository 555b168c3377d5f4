//! A log line as one JSON object: flattened fields, numbers as numbers, in one pass.

use std::fmt::{self, Write as _};

use tracing::{
    Metadata,
    field::{Field, FieldSet, Visit},
};

use super::{
    format::{Ids, Line, Severity, TraceIds},
    span_fields,
    text::{Bounded, MAX_VALUE},
    timestamp,
};
use crate::{correlation::CORRELATION_ID, hex};

/// How the members of the line itself are called.
#[derive(Debug)]
pub(in crate::pipeline) struct Json {
    time: &'static str,
    severity: &'static str,
    severity_name: fn(Severity) -> &'static str,
    /// Up to the digits of the trace id.
    trace: String,
    span: &'static str,
    dialect: Dialect,
    /// The service, and the key of the target, which follows.
    service: String,
    /// Names of members the line has of its own. An event's field of the same name is written with a prefix, so that
    /// no object has a key twice.
    reserved: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Plain,
    Gcp,
    Aws,
}

impl Json {
    pub(super) fn plain(service: &str) -> Self {
        Self::new(Dialect::Plain, service)
    }

    pub(super) fn aws(service: &str) -> Self {
        Self {
            reserved: &[
                "timestamp",
                "level",
                "target",
                "service.name",
                "trace_id",
                "span_id",
                "xray_trace_id",
                CORRELATION_ID,
            ],
            ..Self::new(Dialect::Aws, service)
        }
    }

    pub(super) fn gcp(service: &str, project: &str) -> Self {
        let mut labels = String::from(",\"logging.googleapis.com/labels\":{\"service.name\":");
        write_str(&mut labels, service);
        labels.push('}');
        let mut trace = String::from(",\"logging.googleapis.com/trace\":\"projects/");
        escape(&mut trace, project, usize::MAX);
        trace.push_str("/traces/");
        if project.is_empty() {
            trace = ",\"trace_id\":\"".to_owned();
        }
        Self {
            time: "{\"time\":\"",
            severity: "\",\"severity\":\"",
            severity_name: Severity::gcp,
            trace,
            span: "\",\"logging.googleapis.com/spanId\":\"",
            service: labels,
            // Other names of the time are read, too, and a value that is none would hide the entry's.
            reserved: &[
                "time",
                "timestamp",
                "timestampSeconds",
                "timestampNanos",
                "severity",
                "target",
                "trace_id",
                "httpRequest",
                CORRELATION_ID,
            ],
            ..Self::new(Dialect::Gcp, service)
        }
    }

    fn new(dialect: Dialect, service: &str) -> Self {
        let mut member = String::new();
        write_key(&mut member, "service.name");
        write_str(&mut member, service);
        Self {
            time: "{\"timestamp\":\"",
            severity: "\",\"level\":\"",
            severity_name: Severity::as_str,
            trace: ",\"trace_id\":\"".to_owned(),
            span: "\",\"span_id\":\"",
            dialect,
            service: member,
            reserved: &[
                "timestamp",
                "level",
                "target",
                "service.name",
                "trace_id",
                "span_id",
                CORRELATION_ID,
            ],
        }
    }
}

pub(super) fn write(text: &mut String, json: &Json, line: &Line<'_>) {
    let metadata = line.event.metadata();
    text.push_str(json.time);
    timestamp::write(text, line.now);
    text.push_str(json.severity);
    text.push_str((json.severity_name)(line.severity));
    text.push('"');
    text.push_str(&json.service);
    text.push_str(",\"target\":");
    write_str(text, metadata.target());
    line.event.record(&mut Members {
        text,
        reserved: json.reserved,
        fields: metadata.fields(),
        max_value: MAX_VALUE,
    });
    if let Some(spans) = line.spans {
        span_fields::write(text, metadata.fields(), spans);
    }
    if json.dialect == Dialect::Gcp
        && let Some((file, number)) = line.source
    {
        text.push_str(",\"logging.googleapis.com/sourceLocation\":{\"file\":");
        write_str(text, file);
        // A 64-bit integer is a string in the JSON form of protocol buffers.
        text.push_str(",\"line\":\"");
        text.push_str(itoa::Buffer::new().format(number));
        text.push_str("\"}");
    }
    write_ids(text, json, &line.ids);
    text.push_str("}\n");
}

fn write_ids(text: &mut String, json: &Json, ids: &Ids) {
    if let Some(TraceIds {
        trace,
        span,
        sampled,
    }) = &ids.trace
    {
        let mut digits = [0; 32];
        hex::encode(&trace.to_bytes(), &mut digits);
        let trace = std::str::from_utf8(&digits).unwrap_or_default();
        text.push_str(&json.trace);
        text.push_str(trace);
        if json.dialect == Dialect::Aws {
            let (time, random) = trace.split_at(8);
            for part in ["\",\"xray_trace_id\":\"1-", time, "-", random] {
                text.push_str(part);
            }
        }
        text.push_str(json.span);
        let mut digits = [0; 16];
        hex::encode(&span.to_bytes(), &mut digits);
        text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
        text.push('"');
        if json.dialect == Dialect::Gcp {
            text.push_str(",\"logging.googleapis.com/trace_sampled\":");
            text.push_str(if *sampled { "true" } else { "false" });
        }
    }
    if let Some(id) = &ids.correlation {
        write_key(text, CORRELATION_ID);
        // A correlation id has no character that JSON escapes.
        text.push('"');
        text.push_str(id.as_str());
        text.push('"');
    }
}

/// Appends each field as a member: `,"key":value`.
pub(super) struct Members<'a> {
    text: &'a mut String,
    reserved: &'static [&'static str],
    fields: &'static FieldSet,
    max_value: usize,
}

impl<'a> Members<'a> {
    pub(super) fn of_span(
        text: &'a mut String,
        json: &Json,
        metadata: &'static Metadata<'static>,
        max_value: usize,
    ) -> Self {
        Self {
            text,
            reserved: json.reserved,
            fields: metadata.fields(),
            max_value,
        }
    }

    /// Whether the field is to be written: of two with one name it is the first.
    fn key(&mut self, field: &Field) -> bool {
        let name = field.name();
        if self
            .fields
            .iter()
            .take(field.index())
            .any(|earlier| earlier.name() == name)
        {
            return false;
        }
        if self.reserved.contains(&name) || name.starts_with("logging.googleapis.com/") {
            self.text.push_str(",\"field.");
            escape(self.text, name, usize::MAX);
            self.text.push_str("\":");
        } else {
            write_key(self.text, name);
        }
        true
    }

    fn digits(&mut self, field: &Field, value: impl itoa::Integer) {
        if self.key(field) {
            self.text.push_str(itoa::Buffer::new().format(value));
        }
    }

    /// Beyond 64 bits readers round, and a number of that size is an identifier more often than a quantity.
    fn quoted(&mut self, field: &Field, value: impl fmt::Display) {
        if self.key(field) {
            let _ = write!(self.text, "\"{value}\"");
        }
    }
}

impl Visit for Members<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.digits(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.digits(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.digits(field, value),
            Err(_) => self.quoted(field, value),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.digits(field, value),
            Err(_) => self.quoted(field, value),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if !value.is_finite() {
            // JSON has no NaN and no infinity.
            self.quoted(field, value);
        } else if self.key(field) {
            // Not the decimal form, which has 300 digits for 1e300.
            let _ = write!(self.text, "{value:?}");
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if self.key(field) {
            self.text.push_str(if value { "true" } else { "false" });
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.key(field) {
            self.text.push('"');
            Bounded::new(self.text, self.max_value, escape).push(value);
            self.text.push('"');
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.key(field) {
            self.text.push('"');
            let mut bounded = Bounded::new(self.text, self.max_value, escape);
            let _ = write!(bounded, "{value:?}");
            self.text.push('"');
        }
    }
}

fn write_key(text: &mut String, key: &str) {
    text.push_str(",\"");
    escape(text, key, usize::MAX);
    text.push_str("\":");
}

fn write_str(text: &mut String, value: &str) {
    text.push('"');
    escape(text, value, usize::MAX);
    text.push('"');
}

/// Appends the text until the length `end`. Returns whether all of it fitted.
fn escape(text: &mut String, part: &str, end: usize) -> bool {
    // Nearly all text is plain, and looking at every byte without a way out is what the compiler vectorises.
    let special = part
        .bytes()
        .fold(false, |special, b| special | is_special(b));
    if !special && part.len() <= end.saturating_sub(text.len()) {
        text.push_str(part);
        return true;
    }
    for c in part.chars() {
        // The longest escape has six bytes.
        if text.len() + 6 > end {
            return false;
        }
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    true
}

fn is_special(b: u8) -> bool {
    (b < 0x20) | (b == b'"') | (b == b'\\')
}
