//! A log line for people: time, level, message, fields, ids.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use tracing::{
    Event,
    field::{Field, Visit},
};

use super::layer::Ids;
use crate::{
    correlation::CORRELATION_ID,
    principal::attribute::{USER_HASH, USER_ID, USER_ROLES},
};

pub(super) fn write(line: &mut String, event: &Event<'_>, ids: &Ids, now: SystemTime) {
    let metadata = event.metadata();
    let time = humantime::format_rfc3339_millis(now).to_string();
    // The date is on the wall.
    let time = time.get(11..23).unwrap_or(&time);
    let _ = write!(
        line,
        "{time} {:>5} {}:",
        metadata.level(),
        metadata.target()
    );
    event.record(&mut Fields {
        line,
        message: true,
    });
    event.record(&mut Fields {
        line,
        message: false,
    });
    if let Some((trace_id, span_id)) = ids.trace {
        let _ = write!(line, " trace_id={trace_id} span_id={span_id}");
    }
    if let Some(id) = &ids.correlation {
        let _ = write!(line, " {CORRELATION_ID}={id}");
    }
    if let Some(principal) = &ids.principal {
        for (key, text) in [(USER_ID, principal.id()), (USER_HASH, principal.hash())] {
            if let Some(text) = text {
                let _ = write!(line, " {key}={text:?}");
            }
        }
        let roles: Vec<_> = principal.roles().collect();
        if !roles.is_empty() {
            let _ = write!(line, " {USER_ROLES}={roles:?}");
        }
    }
    line.push('\n');
}

/// Writes the message, or all that is not the message: the message comes first wherever it stands in the event.
struct Fields<'a> {
    line: &'a mut String,
    message: bool,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if (field.name() == "message") != self.message {
            return;
        }
        self.line.push(' ');
        if !self.message {
            self.line.push_str(field.name());
            self.line.push('=');
        }
        let _ = Visible(self.line).write_fmt(value);
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
struct Visible<'a>(&'a mut String);

impl fmt::Write for Visible<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().all(|b| b >= 0x20 && b != 0x7f) {
            self.0.push_str(text);
        } else {
            self.0.extend(
                text.chars()
                    .map(|c| if c.is_control() { '\u{fffd}' } else { c }),
            );
        }
        Ok(())
    }
}
