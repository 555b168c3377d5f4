//! A log line for people: time, level, target, ids, message, fields.
//!
//! The ids stand before all text of the application, and a text that holds `=` or blanks is quoted. So no text can pose as
//! an id or as another field.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};

use super::{
    bounded_text::{Bounded, CUT, MAX_VALUE, end_of_value, is_unsafe},
    line::{Ids, Line, is_log_metadata, is_log_record},
};
use telemetry_api::{
    correlation::CORRELATION_ID,
    principal::{
        Principal,
        attribute::{USER_HASH, USER_ID, USER_ROLES},
    },
};

pub(crate) fn write(text: &mut String, line: &Line<'_>) {
    let time = humantime::format_rfc3339_millis(line.now).to_string();
    // People who read a terminal know the date.
    let time = time.get(11..23).unwrap_or(&time);
    let _ = write!(
        text,
        "{time} {:>5} {}:",
        line.severity.as_str(),
        line.target
    );
    write_ids(text, line.ids);
    for message in [true, false] {
        line.event.record(&mut Fields {
            text,
            message,
            is_log_record: is_log_record(line.event.metadata()),
            max_value: MAX_VALUE,
        });
    }
    line.write_span_fields(text);
    text.push('\n');
}

/// Appends ` [trace_id=.. span_id=.. correlation_id=..]`, if there are ids.
fn write_ids(text: &mut String, ids: &Ids) {
    let start = text.len();
    if let Some(ids) = &ids.trace {
        let _ = write!(text, " trace_id={} span_id={}", ids.trace, ids.span);
    }
    if let Some(id) = ids.correlation() {
        let _ = write!(text, " {CORRELATION_ID}={id}");
    }
    if let Some(principal) = &ids.principal {
        write_principal(text, principal);
    }
    if text.len() > start {
        text.insert(start + 1, '[');
        text.push(']');
    }
}

fn write_principal(text: &mut String, principal: &Principal) {
    for (key, value) in [(USER_ID, principal.id()), (USER_HASH, principal.hash())] {
        if let Some(value) = value {
            let _ = write!(text, " {key}=");
            escape(text, value, true, usize::MAX);
        }
    }
    for (index, role) in principal.roles().enumerate() {
        match index {
            0 => {
                let _ = write!(text, " {USER_ROLES}=[");
            }
            _ => text.push_str(", "),
        }
        escape(text, role, true, usize::MAX);
    }
    if principal.roles().len() > 0 {
        text.push(']');
    }
}

/// Writes the message, or all fields but the message: the message comes first wherever it stands in the event.
pub(crate) struct Fields<'a> {
    text: &'a mut String,
    message: bool,
    is_log_record: bool,
    max_value: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn of_span(text: &'a mut String, max_value: usize) -> Self {
        Self {
            text,
            message: false,
            is_log_record: false,
            max_value,
        }
    }

    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = field.name();
        if (name == "message") != self.message || self.is_log_record && is_log_metadata(name) {
            return;
        }
        self.text.push(' ');
        if !self.message {
            self.text.push_str(name);
            self.text.push('=');
        }
        let end = end_of_value(self.text, self.max_value);
        let start = self.text.len();
        Bounded::new(self.text, self.max_value, push_until).format(value);
        let value = self.text.split_off(start);
        let quoted = self.needs_quotes(&value);
        escape(self.text, &value, quoted, end);
    }

    /// Returns whether the text could be taken for more than one value. A message may have blanks: it ends where the first
    /// field begins, which no text in quotes can pose as.
    fn needs_quotes(&self, written: &str) -> bool {
        let is_quoted = || {
            let inner = written
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'));
            inner.is_some_and(|inner| !has_bare_quote(inner))
        };
        let needs = match self.message {
            true => written.contains('='),
            false => written.is_empty() || written.contains([' ', '"', '=']),
        };
        needs && !is_quoted()
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }
}

/// Returns whether a quote stands in the text without a backslash that escapes it, or a backslash at the end escapes the quote
/// that follows the text.
fn has_bare_quote(text: &str) -> bool {
    let mut escaped = false;
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return true,
            _ => {}
        }
    }
    escaped
}

/// Appends a text until the length `end`, in quotes or without, with unsafe characters as Rust escapes them.
fn escape(text: &mut String, value: &str, quoted: bool, end: usize) {
    if quoted {
        text.push('"');
    }
    for c in value.chars() {
        let length = text.len();
        match c {
            c if is_unsafe(c) => text.extend(c.escape_default()),
            '"' | '\\' if quoted => text.extend(['\\', c]),
            c => text.push(c),
        }
        if text.len() > end {
            text.truncate(length);
            text.push(CUT);
            break;
        }
    }
    if quoted {
        text.push('"');
    }
}

/// Appends as much of the text as fits until the length `end`. Returns whether all of it fitted.
fn push_until(text: &mut String, part: &str, end: usize) -> bool {
    let room = end.saturating_sub(text.len());
    // A character is not cut in two.
    let mut ends = (0..=room.min(part.len())).rev();
    let fitting = ends.find_map(|end| part.get(..end)).unwrap_or_default();
    text.push_str(fitting);
    fitting.len() == part.len()
}
