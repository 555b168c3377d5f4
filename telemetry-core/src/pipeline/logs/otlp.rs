//! An event as an OTLP log record. The SDK adds the trace context, from the same current context.

use std::{fmt, time::SystemTime};

use opentelemetry::{
    Key,
    logs::{AnyValue, LogRecord as _, Logger as _, Severity},
};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger};
use tracing::{
    Event, Level,
    field::{Field, Visit},
};

use super::layer::Ids;
use crate::{
    correlation::CORRELATION_ID,
    principal::{
        self,
        attribute::{USER_HASH, USER_ID, USER_ROLES},
    },
};

pub(super) fn emit(logger: &SdkLogger, event: &Event<'_>, ids: &Ids) {
    let metadata = event.metadata();
    let mut record = logger.create_log_record();
    record.set_timestamp(SystemTime::now());
    record.set_target(metadata.target());
    let (severity, text) = match *metadata.level() {
        Level::ERROR => (Severity::Error, "ERROR"),
        Level::WARN => (Severity::Warn, "WARN"),
        Level::INFO => (Severity::Info, "INFO"),
        Level::DEBUG => (Severity::Debug, "DEBUG"),
        Level::TRACE => (Severity::Trace, "TRACE"),
    };
    record.set_severity_number(severity);
    record.set_severity_text(text);
    // Without `name:` the macros call an event after its place in the source, which names no kind of event.
    if !metadata.name().starts_with("event ") {
        record.set_event_name(metadata.name());
    }
    event.record(&mut Attributes {
        record: &mut record,
        principal: ids.principal.is_some(),
    });
    if let Some(id) = &ids.correlation {
        record.add_attribute(CORRELATION_ID, AnyValue::from(id.as_str().to_owned()));
    }
    if let Some(principal) = &ids.principal {
        let text = [(USER_ID, principal.id()), (USER_HASH, principal.hash())];
        for (key, text) in text {
            if let Some(text) = text {
                record.add_attribute(key, AnyValue::from(text.to_owned()));
            }
        }
        if principal.roles().len() > 0 {
            let roles = principal.roles().map(str::to_owned);
            record.add_attribute(USER_ROLES, roles.collect::<AnyValue>());
        }
    }
    logger.emit(record);
}

struct Attributes<'a> {
    record: &'a mut SdkLogRecord,
    /// Whether the record says on whose behalf it was written.
    principal: bool,
}

impl Attributes<'_> {
    fn add(&mut self, field: &Field, value: impl Into<AnyValue>) {
        if field.name() == "message" {
            self.record.set_body(value.into());
        } else if field.name() == CORRELATION_ID
            || self.principal && principal::is_key(field.name())
        {
            // The key is ours; attributes are unique.
            let renamed = ["field.", field.name()].concat();
            self.record.add_attribute(Key::from(renamed), value.into());
        } else {
            self.record
                .add_attribute(Key::from_static_str(field.name()), value.into());
        }
    }
}

impl Visit for Attributes<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.add(field, value),
            // OTLP has no unsigned integers; digits beat a wrong number.
            Err(_) => self.add(field, value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}
