//! A log line as one JSON object: flattened fields, numbers as numbers, in one pass.

use std::fmt::{self, Write as _};

use tracing::{
    Metadata,
    field::{Field, FieldSet, Visit},
};

use super::{
    format::{Ids, Line, Severity, TraceIds},
    keys::{Callsites, Keys},
    span_fields,
    text::{Bounded, MAX_VALUE, Names},
    timestamp,
};
use crate::{
    CorrelationId, Principal,
    correlation::CORRELATION_ID,
    hex,
    principal::{
        self,
        attribute::{USER_HASH, USER_ID, USER_ROLES},
    },
};

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
    /// What follows the severity, up to the target.
    service: String,
    /// Of `reserved`.
    may_be_reserved: Names,
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
    pub(super) fn plain(service: &str) -> Self {
        Self::new(Dialect::Plain, service)
    }

    pub(super) fn aws(service: &str) -> Self {
        Self::new(Dialect::Aws, service).reserving(&[
            "timestamp",
            "level",
            "target",
            "service.name",
            "trace_id",
            "span_id",
            "xray_trace_id",
            CORRELATION_ID,
        ])
    }

    pub(super) fn gcp(service: &str, project: &str) -> Self {
        let mut labels = String::from("\",\"logging.googleapis.com/labels\":{\"service.name\":");
        write_str(&mut labels, service);
        labels.push_str("},\"target\":");
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
            ..Self::new(Dialect::Gcp, service)
        }
        // Other names of the time are read, too, and a value that is none would hide the entry's.
        .reserving(&[
            "time",
            "timestamp",
            "timestampSeconds",
            "timestampNanos",
            "severity",
            "target",
            "trace_id",
            "httpRequest",
            CORRELATION_ID,
        ])
    }

    fn new(dialect: Dialect, service: &str) -> Self {
        let mut member = String::from("\"");
        write_key(&mut member, "service.name");
        write_str(&mut member, service);
        member.push_str(",\"target\":");
        Self {
            time: "{\"timestamp\":\"",
            severity: "\",\"level\":\"",
            severity_name: Severity::as_str,
            trace: ",\"trace_id\":\"".to_owned(),
            span: "\",\"span_id\":\"",
            dialect,
            service: member,
            may_be_reserved: Names::default(),
            reserved: &[],
            callsites: Callsites::new(),
        }
        .reserving(&[
            "timestamp",
            "level",
            "target",
            "service.name",
            "trace_id",
            "span_id",
            CORRELATION_ID,
        ])
    }

    fn reserving(self, reserved: &'static [&'static str]) -> Self {
        Self {
            may_be_reserved: Names::of(reserved),
            reserved,
            ..self
        }
    }

    /// The key of a field of this name: `,"key":`.
    fn key(&self, name: &str) -> String {
        let mut key = String::with_capacity(name.len() + 4);
        if self.is_reserved(name) {
            write_renamed_key(&mut key, name);
        } else {
            write_key(&mut key, name);
        }
        key
    }

    fn is_reserved(&self, name: &str) -> bool {
        self.may_be_reserved.may_have(name) && self.reserved.contains(&name)
            || self.dialect == Dialect::Gcp && name.starts_with("logging.googleapis.com/")
    }
}

pub(super) fn write(text: &mut String, json: &Json, line: &Line<'_>) {
    let metadata = line.event.metadata();
    text.push_str(json.time);
    timestamp::write(text, line.now);
    text.push_str(json.severity);
    text.push_str((json.severity_name)(line.severity));
    text.push_str(&json.service);
    write_str(text, metadata.target());
    let principal = line.ids.principal.as_ref();
    let keys = json.callsites.keys(metadata, |name| json.key(name));
    line.event.record(&mut Members {
        keys: keys.as_deref(),
        principal: principal.is_some(),
        ..Members::new(text, json, metadata, MAX_VALUE)
    });
    if let Some(spans) = line.spans {
        span_fields::write(text, line, spans);
    }
    if json.dialect == Dialect::Gcp
        && let Some((file, number)) = line.source.or_else(|| metadata.file().zip(metadata.line()))
    {
        text.push_str(",\"logging.googleapis.com/sourceLocation\":{\"file\":");
        write_str(text, file);
        // A 64-bit integer is a string in the JSON form of protocol buffers.
        text.push_str(",\"line\":\"");
        text.push_str(itoa::Buffer::new().format(number));
        text.push_str("\"}");
    }
    write_ids(text, json, &line.ids);
    if let Some(principal) = principal {
        write_principal(text, principal);
    }
    text.push_str("}\n");
}

fn write_ids(text: &mut String, json: &Json, ids: &Ids) {
    let mut digits = [0; 32];
    let mut trace_id = None;
    if let Some(TraceIds {
        trace,
        span,
        sampled,
    }) = &ids.trace
    {
        hex::encode(&trace.to_bytes(), &mut digits);
        let trace = std::str::from_utf8(&digits).unwrap_or_default();
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
        let mut digits = [0; 16];
        hex::encode(&span.to_bytes(), &mut digits);
        text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
        text.push('"');
        if json.dialect == Dialect::Gcp {
            text.push_str(",\"logging.googleapis.com/trace_sampled\":");
            text.push_str(if *sampled { "true" } else { "false" });
        }
    }
    if let Some(id) = ids.foreign.as_ref().map(CorrelationId::as_str).or(trace_id) {
        write_key(text, CORRELATION_ID);
        // A correlation id has no character that JSON escapes.
        text.push('"');
        text.push_str(id);
        text.push('"');
    }
}

fn write_principal(text: &mut String, principal: &Principal) {
    for (key, value) in [(USER_ID, principal.id()), (USER_HASH, principal.hash())] {
        if let Some(value) = value {
            write_key(text, key);
            write_str(text, value);
        }
    }
    if principal.roles().len() > 0 {
        write_key(text, USER_ROLES);
        for (index, role) in principal.roles().enumerate() {
            text.push(if index == 0 { '[' } else { ',' });
            write_str(text, role);
        }
        text.push(']');
    }
}

/// Appends each field as a member: `,"key":value`.
pub(super) struct Members<'a> {
    text: &'a mut String,
    json: &'a Json,
    fields: &'static FieldSet,
    max_value: usize,
    keys: Option<&'a Keys>,
    /// Whether the line says on whose behalf it was written: no field poses as that.
    principal: bool,
    written: Names,
}

impl<'a> Members<'a> {
    pub(super) fn new(
        text: &'a mut String,
        json: &'a Json,
        metadata: &'static Metadata<'static>,
        max_value: usize,
    ) -> Self {
        Self {
            text,
            json,
            fields: metadata.fields(),
            max_value,
            keys: None,
            principal: false,
            written: Names::default(),
        }
    }

    /// Whether the field is to be written: of two with one name it is the first.
    fn key(&mut self, field: &Field) -> bool {
        let name = field.name();
        let poses = self.principal && principal::is_key(name);
        if let Some(known) = self.keys.and_then(|keys| keys.get(field))
            && !poses
        {
            self.text.push_str(known.unwrap_or_default());
            return known.is_some();
        }
        if self.written.may_have(name) && self.is_repeated(field) {
            return false;
        }
        self.written.insert(name);
        if poses {
            write_renamed_key(self.text, name);
        } else {
            self.text.push_str(&self.json.key(name));
        }
        true
    }

    fn is_repeated(&self, field: &Field) -> bool {
        let mut earlier = self.fields.iter().take(field.index());
        earlier.any(|earlier| earlier.name() == field.name())
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
            // With an exponent where it is shorter: the decimal form of 1e300 has 300 digits.
            self.text.push_str(ryu::Buffer::new().format_finite(value));
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

/// The key of a field whose own name means something else.
fn write_renamed_key(text: &mut String, name: &str) {
    text.push_str(",\"field.");
    escape(text, name, usize::MAX);
    text.push_str("\":");
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
    // Nearly all text is plain.
    if !has_special(part.as_bytes()) && part.len() <= end.saturating_sub(text.len()) {
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

/// Whether JSON escapes any of the bytes. Looks at eight at a time, because most keys and values are that short.
fn has_special(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<8>() else {
        if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            let mut both = [0; 8];
            both[..4].copy_from_slice(first);
            both[4..].copy_from_slice(last);
            return special(both) != 0;
        }
        return bytes.iter().any(|b| *b < 0x20 || *b == b'"' || *b == b'\\');
    };
    let (chunks, _) = bytes.as_chunks::<8>();
    let found = chunks
        .iter()
        .fold(special(*last), |found, chunk| found | special(*chunk));
    found != 0
}

/// Zero if none of the bytes is below 0x20, `"` or `\`: the highest bit of each byte that is, and of some after one.
fn special(chunk: [u8; 8]) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    let x = u64::from_ne_bytes(chunk);
    let below = |x: u64, n: u64| x.wrapping_sub(EACH * n) & !x;
    let equal = |b: u8| below(x ^ (EACH * u64::from(b)), 1);
    (below(x, 0x20) | equal(b'"') | equal(b'\\')) & (EACH * 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_wherever_it_stands() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    for around in [b'a', 0x7f, 0x80, 0xff, 0x20] {
                        let mut bytes = vec![around; length];
                        bytes[at] = byte;
                        let expected = byte < 0x20 || byte == b'"' || byte == b'\\';
                        assert_eq!(has_special(&bytes), expected, "{bytes:?}");
                    }
                }
            }
        }
    }
}
