//! A log line as one JSON object: flattened fields, numbers as numbers, in one pass.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use tracing::{
    Event,
    field::{Field, Visit},
};

use super::layer::Ids;
use crate::correlation::CORRELATION_ID;

/// Keys the line has of its own; an event's field of the same name is written with a prefix, so that no object has
/// a key twice.
const RESERVED: [&str; 7] = [
    "timestamp",
    "level",
    "target",
    "service.name",
    "trace_id",
    "span_id",
    CORRELATION_ID,
];

pub(super) fn write(
    line: &mut String,
    event: &Event<'_>,
    ids: &Ids,
    service: &str,
    now: SystemTime,
) {
    let metadata = event.metadata();
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        line,
        "{{\"timestamp\":\"{}\"",
        humantime::format_rfc3339_micros(now)
    );
    let _ = write!(line, ",\"level\":\"{}\"", metadata.level());
    line.push_str(service);
    line.push_str(&member("target", metadata.target()));
    event.record(&mut Members { line });
    if let Some((trace_id, span_id)) = ids.trace {
        let _ = write!(
            line,
            ",\"trace_id\":\"{trace_id}\",\"span_id\":\"{span_id}\""
        );
    }
    if let Some(id) = &ids.correlation {
        // A correlation id has no character that JSON escapes.
        let _ = write!(line, ",\"{CORRELATION_ID}\":\"{id}\"");
    }
    line.push_str("}\n");
}

/// `,"key":"value"`.
pub(super) fn member(key: &str, value: &str) -> String {
    let mut text = String::with_capacity(key.len() + value.len() + 6);
    write_key(&mut text, key);
    write_str(&mut text, value);
    text
}

struct Members<'a> {
    line: &'a mut String,
}

impl Members<'_> {
    fn key(&mut self, field: &Field) {
        if RESERVED.contains(&field.name()) {
            write_key(self.line, &["field.", field.name()].concat());
        } else {
            write_key(self.line, field.name());
        }
    }
}

impl Visit for Members<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.key(field);
        let _ = write!(self.line, "{value}");
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.key(field);
        let _ = write!(self.line, "{value}");
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.key(field);
        let _ = write!(self.line, "\"{value}\"");
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.key(field);
        let _ = write!(self.line, "\"{value}\"");
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.key(field);
        // JSON has no NaN and no infinity.
        let _ = if value.is_finite() {
            write!(self.line, "{value}")
        } else {
            write!(self.line, "\"{value}\"")
        };
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.key(field);
        let _ = write!(self.line, "{value}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.key(field);
        write_str(self.line, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.key(field);
        self.line.push('"');
        let _ = write!(Escaped(self.line), "{value:?}");
        self.line.push('"');
    }
}

fn write_key(line: &mut String, key: &str) {
    line.push(',');
    write_str(line, key);
    line.push(':');
}

fn write_str(line: &mut String, value: &str) {
    line.push('"');
    let _ = Escaped(line).write_str(value);
    line.push('"');
}

/// Escapes what is written through it, so that a `Debug` value needs no string of its own.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest
            .bytes()
            .position(|b| b < 0x20 || b == b'"' || b == b'\\')
        {
            let (plain, special) = rest.split_at(at);
            self.0.push_str(plain);
            match special.as_bytes()[0] {
                b'"' => self.0.push_str("\\\""),
                b'\\' => self.0.push_str("\\\\"),
                b'\n' => self.0.push_str("\\n"),
                b'\r' => self.0.push_str("\\r"),
                b'\t' => self.0.push_str("\\t"),
                control => write!(self.0, "\\u{control:04x}")?,
            }
            rest = &special[1..];
        }
        self.0.push_str(rest);
        Ok(())
    }
}
