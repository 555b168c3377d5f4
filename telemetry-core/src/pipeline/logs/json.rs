//! A log line as one JSON object: flattened fields, numbers as numbers, in one pass.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use tracing::{
    Event,
    field::{Field, Visit},
};

use super::{layer::Ids, timestamp};
use crate::{
    Principal,
    correlation::CORRELATION_ID,
    hex,
    principal::{
        self,
        attribute::{USER_HASH, USER_ID, USER_ROLES},
    },
};

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
    line.push_str("{\"timestamp\":\"");
    timestamp::write(line, now);
    line.push_str("\",\"level\":\"");
    line.push_str(metadata.level().as_str());
    line.push('"');
    line.push_str(service);
    write_member(line, "target", metadata.target());
    event.record(&mut Members {
        line,
        principal: ids.principal.is_some(),
    });
    if let Some((trace_id, span_id)) = ids.trace {
        line.push_str(",\"trace_id\":\"");
        write_hex(line, &trace_id.to_bytes());
        line.push_str("\",\"span_id\":\"");
        write_hex(line, &span_id.to_bytes());
        line.push('"');
    }
    if let Some(id) = &ids.correlation {
        write_key(line, CORRELATION_ID);
        // A correlation id has no character that JSON escapes.
        line.push('"');
        line.push_str(id.as_str());
        line.push('"');
    }
    if let Some(principal) = &ids.principal {
        write_principal(line, principal);
    }
    line.push_str("}\n");
}

fn write_principal(line: &mut String, principal: &Principal) {
    if let Some(id) = principal.id() {
        write_member(line, USER_ID, id);
    }
    if let Some(hash) = principal.hash() {
        write_member(line, USER_HASH, hash);
    }
    if principal.roles().len() > 0 {
        write_key(line, USER_ROLES);
        for (index, role) in principal.roles().enumerate() {
            line.push(if index == 0 { '[' } else { ',' });
            write_str(line, role);
        }
        line.push(']');
    }
}

/// `,"key":"value"`.
pub(super) fn write_member(line: &mut String, key: &str, value: &str) {
    write_key(line, key);
    write_str(line, value);
}

fn write_hex(line: &mut String, bytes: &[u8]) {
    let mut digits = [0; 32];
    let digits = &mut digits[..(2 * bytes.len()).min(32)];
    hex::encode(bytes, digits);
    line.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

struct Members<'a> {
    line: &'a mut String,
    /// Whether the line says on whose behalf it was written.
    principal: bool,
}

impl Members<'_> {
    fn key(&mut self, field: &Field) {
        let reserved = RESERVED.contains(&field.name());
        if reserved || self.principal && principal::is_key(field.name()) {
            self.line.push_str(",\"field.");
            write_escaped(self.line, field.name());
            self.line.push_str("\":");
        } else {
            write_key(self.line, field.name());
        }
    }
}

impl Visit for Members<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.key(field);
        self.line.push_str(itoa::Buffer::new().format(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.key(field);
        self.line.push_str(itoa::Buffer::new().format(value));
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
        self.line.push_str(if value { "true" } else { "false" });
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
    line.push_str(",\"");
    write_escaped(line, key);
    line.push_str("\":");
}

fn write_str(line: &mut String, value: &str) {
    line.push('"');
    write_escaped(line, value);
    line.push('"');
}

fn write_escaped(line: &mut String, text: &str) {
    // Nearly all text is plain, and looking at every byte without a way out is what the compiler vectorises.
    if !text
        .bytes()
        .fold(false, |special, b| special | is_special(b))
    {
        line.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
}

fn is_special(b: u8) -> bool {
    (b < 0x20) | (b == b'"') | (b == b'\\')
}

/// Escapes what is written through it, so that a `Debug` value needs no string of its own.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_escaped(self.0, text);
        Ok(())
    }
}
