//! A log line as one JSON object: flattened fields, numbers as numbers, in one pass.

use std::{borrow::Cow, fmt::Write as _};

use tracing::Metadata;

use super::{
    bounded_text::MAX_VALUE,
    callsite_parts::{Callsite, Callsites, Keys},
    json_members::Members,
    json_text::{escape, key, renamed_key, write_key},
    line::{Ids, Line, Severity, TraceIds, is_log_metadata, is_log_record},
    timestamp,
};
use telemetry_api::{
    correlation::{CORRELATION_ID, CorrelationId},
    instrument::pipeline::{encode_hex, is_principal_key},
    principal::{
        Principal,
        attribute::{USER_HASH, USER_ID, USER_ROLES},
    },
};

/// How the members of the line itself are called.
#[derive(Debug)]
pub(crate) struct Json {
    time: &'static str,
    severity: &'static str,
    severity_name: fn(Severity) -> &'static str,
    /// Up to the digits of the trace id.
    trace: String,
    span: &'static str,
    correlation: String,
    dialect: Dialect,
    /// The text between the severity and the target.
    service: String,
    /// Names of members the line has of its own. An event's field of the same name is written with a prefix, so that
    /// no object has a key twice.
    reserved: &'static [&'static str],
    callsites: Callsites,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Plain,
    Gcp,
    Aws,
}

impl Json {
    pub(crate) fn plain(service: &str) -> Self {
        Self::new(Dialect::Plain, service)
    }

    pub(crate) fn aws(service: &str) -> Self {
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

    pub(crate) fn gcp(service: &str, project: &str) -> Self {
        let mut labels = String::from("\",\"logging.googleapis.com/labels\":{\"service.name\":\"");
        escape(&mut labels, service, usize::MAX);
        labels.push_str("\"},\"target\":\"");
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
        let mut member = String::from("\"");
        member.push_str(&key("service.name"));
        escape(&mut member, service, usize::MAX);
        member.push_str("\",\"target\":\"");
        Self {
            time: "{\"timestamp\":\"",
            severity: "\",\"level\":\"",
            severity_name: Severity::as_str,
            trace: key("trace_id"),
            span: "\",\"span_id\":\"",
            correlation: key(CORRELATION_ID),
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
            callsites: Callsites::new(),
        }
    }

    /// The parts that all lines of the callsite share. All are of one severity.
    pub(crate) fn callsite(
        &self,
        metadata: &'static Metadata<'static>,
        severity: Severity,
    ) -> Cow<'_, Callsite> {
        self.callsites.get(metadata, || {
            let mut head = [self.severity, (self.severity_name)(severity), &self.service].concat();
            let is_log_record = is_log_record(metadata);
            if !is_log_record {
                escape(&mut head, metadata.target(), usize::MAX);
                head.push('"');
            }
            let fields = metadata.fields();
            let key = |name: &str| self.key(name);
            // No field poses as what the line says of the principal.
            let beside_principal = |name: &str| match is_principal_key(name) {
                true => renamed_key(name),
                false => self.key(name),
            };
            let is_shown = |name: &str| !(is_log_record && is_log_metadata(name));
            let poses = fields.iter().any(|field| is_principal_key(field.name()));
            Callsite {
                metadata,
                head,
                place: self.place(metadata.file().zip(metadata.line())),
                keys: Keys::of(fields, is_shown, key),
                beside_principal: poses.then(|| Keys::of(fields, is_shown, beside_principal)),
            }
        })
    }

    /// Where in the source something is, if lines say so.
    fn place(&self, place: Option<(&str, u32)>) -> String {
        let mut text = String::new();
        if let (Dialect::Gcp, Some((file, line))) = (self.dialect, place) {
            text.push_str(",\"logging.googleapis.com/sourceLocation\":{\"file\":\"");
            escape(&mut text, file, usize::MAX);
            // A 64-bit integer is a string in the JSON form of protocol buffers.
            let _ = write!(text, "\",\"line\":\"{line}\"}}");
        }
        text
    }

    fn key(&self, name: &str) -> String {
        let is_reserved = self.reserved.contains(&name)
            || self.dialect == Dialect::Gcp && name.starts_with("logging.googleapis.com/");
        if is_reserved {
            renamed_key(name)
        } else {
            key(name)
        }
    }
}

pub(crate) fn write(text: &mut String, json: &Json, line: &Line<'_>) {
    let callsite = &*json.callsite(line.event.metadata(), line.severity);
    timestamp::write(text, json.time, line.now);
    text.push_str(&callsite.head);
    if is_log_record(line.event.metadata()) {
        escape(text, line.target, usize::MAX);
        text.push('"');
    }
    let principal = line.ids.principal.as_ref();
    let other_keys = callsite.beside_principal.as_ref();
    let keys = other_keys
        .filter(|_| principal.is_some())
        .unwrap_or(&callsite.keys);
    line.event.record(&mut Members::new(text, keys, MAX_VALUE));
    line.write_span_fields(text);
    if line.source.is_some() {
        text.push_str(&json.place(line.source));
    } else if !callsite.place.is_empty() {
        text.push_str(&callsite.place);
    }
    write_ids(text, json, line.ids);
    if let Some(principal) = principal {
        write_principal(text, principal);
    }
    text.push_str("}\n");
}

/// Of a trace id and a span id. Text is checked eight bytes at a time where it is aligned like this, else one by one.
#[repr(align(8))]
struct Digits([u8; 48]);

fn write_ids(text: &mut String, json: &Json, ids: &Ids) {
    let mut digits = Digits([0; 48]);
    let mut trace_id = None;
    if let Some(TraceIds {
        trace,
        span,
        sampled,
    }) = &ids.trace
    {
        // Both at once, for half the cost.
        let mut bytes = [0; 24];
        let (trace_bytes, span_bytes) = bytes.split_at_mut(16);
        trace_bytes.copy_from_slice(&trace.to_bytes());
        span_bytes.copy_from_slice(&span.to_bytes());
        encode_hex(&bytes, &mut digits.0);
        let digits = std::str::from_utf8(&digits.0).unwrap_or_default();
        let (trace, span) = digits.split_at_checked(32).unwrap_or_default();
        trace_id = Some(trace);
        text.push_str(&json.trace);
        text.push_str(trace);
        if json.dialect == Dialect::Aws {
            let (time, random) = trace.split_at_checked(8).unwrap_or_default();
            for part in ["\",\"xray_trace_id\":\"1-", time, "-", random] {
                text.push_str(part);
            }
        }
        text.push_str(json.span);
        text.push_str(span);
        text.push('"');
        if json.dialect == Dialect::Gcp {
            text.push_str(",\"logging.googleapis.com/trace_sampled\":");
            text.push_str(if *sampled { "true" } else { "false" });
        }
    }
    if let Some(id) = ids.foreign.as_ref().map(CorrelationId::as_str).or(trace_id) {
        text.push_str(&json.correlation);
        // A correlation id has no character that JSON escapes.
        text.push_str(id);
        text.push('"');
    }
}

fn write_principal(text: &mut String, principal: &Principal) {
    for (name, value) in [(USER_ID, principal.id()), (USER_HASH, principal.hash())] {
        if let Some(value) = value {
            write_key(text, name);
            escape(text, value, usize::MAX);
            text.push('"');
        }
    }
    for (index, role) in principal.roles().enumerate() {
        if index == 0 {
            let _ = write!(text, ",\"{USER_ROLES}\":[\"");
        } else {
            text.push_str(",\"");
        }
        escape(text, role, usize::MAX);
        text.push('"');
    }
    if principal.roles().len() > 0 {
        text.push(']');
    }
}
