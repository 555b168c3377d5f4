//! A log line for people: time, level, message, fields, ids.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};

use super::{
    bounded_text::{Bounded, MAX_VALUE},
    line::Line,
};
use telemetry_api::{
    correlation::CORRELATION_ID,
    principal::attribute::{USER_HASH, USER_ID, USER_ROLES},
};

pub(crate) fn write(text: &mut String, line: &Line<'_>) {
    let metadata = line.event.metadata();
    let time = humantime::format_rfc3339_millis(line.now).to_string();
    // The date is on the wall.
    let time = time.get(11..23).unwrap_or(&time);
    let _ = write!(
        text,
        "{time} {:>5} {}:",
        line.severity.as_str(),
        metadata.target()
    );
    for message in [true, false] {
        line.event.record(&mut Fields {
            text,
            message,
            max_value: MAX_VALUE,
        });
    }
    line.write_span_fields(text);
    if let Some(ids) = &line.ids.trace {
        let _ = write!(text, " trace_id={} span_id={}", ids.trace, ids.span);
    }
    if let Some(id) = line.ids.correlation() {
        let _ = write!(text, " {CORRELATION_ID}={id}");
    }
    if let Some(principal) = &line.ids.principal {
        for (key, value) in [(USER_ID, principal.id()), (USER_HASH, principal.hash())] {
            if let Some(value) = value {
                let _ = write!(text, " {key}={value:?}");
            }
        }
        let roles: Vec<_> = principal.roles().collect();
        if !roles.is_empty() {
            let _ = write!(text, " {USER_ROLES}={roles:?}");
        }
    }
    text.push('\n');
}

/// Writes the message, or all that is not the message: the message comes first wherever it stands in the event.
pub(crate) struct Fields<'a> {
    text: &'a mut String,
    message: bool,
    max_value: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn of_span(text: &'a mut String, max_value: usize) -> Self {
        Self {
            text,
            message: false,
            max_value,
        }
    }

    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if (field.name() == "message") != self.message {
            return;
        }
        self.text.push(' ');
        if !self.message {
            self.text.push_str(field.name());
            self.text.push('=');
        }
        let _ = Bounded::new(self.text, self.max_value, make_visible).write_fmt(value);
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.message || !value.contains([' ', '"', '=']) {
            self.write(field, format_args!("{value}"));
        } else {
            self.write(field, format_args!("{value:?}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }
}

/// Replaces control characters: a value from outside must not move the cursor or begin a line of its own.
fn make_visible(text: &mut String, part: &str, end: usize) -> bool {
    for c in part.chars() {
        if text.len() + c.len_utf8() > end {
            return false;
        }
        text.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    true
}
