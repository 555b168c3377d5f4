//! An event as an OTLP log record. The SDK adds the trace context, from the same current context.

use std::fmt;

use opentelemetry::{
    Key,
    logs::{AnyValue, LogRecord as _, Logger as _},
};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger};
use tracing::field::{Field, FieldSet, Visit};

use super::line::{Line, is_log_metadata, is_log_record};
use crate::guarded_format;
use telemetry_api::{
    correlation::CORRELATION_ID,
    instrument::pipeline::is_principal_key,
    principal::attribute::{USER_HASH, USER_ID, USER_ROLES},
};

/// The target of the events of steps.
const STEP: &str = "telemetry_core::step";

/// The fields of a step's event that are attributes of the step's span, where they have the prefix of the business.
const STEP_FIELDS: [&str; 4] = ["flow", "stage", "outcome", "reason"];

/// `prefix` is the one of business attributes.
pub(crate) fn emit(logger: &SdkLogger, line: &Line<'_>, prefix: &str) {
    let metadata = line.event.metadata();
    let mut record = logger.create_log_record();
    record.set_timestamp(line.now);
    record.set_target(line.target.to_owned());
    record.set_severity_number(line.severity.otlp());
    record.set_severity_text(line.severity.as_str());
    // Without `name:` the macros call an event after its place in the source, which names no kind of event.
    let is_log_record = is_log_record(metadata);
    if !metadata.name().starts_with("event ") && !is_log_record {
        record.set_event_name(metadata.name());
    }
    line.event.record(&mut Attributes {
        record: &mut record,
        fields: metadata.fields(),
        is_log_record,
        step_prefix: (metadata.target() == STEP && metadata.name() == "step").then_some(prefix),
        principal: line.ids.principal.is_some(),
    });
    if let Some(id) = line.ids.correlation() {
        record.add_attribute(CORRELATION_ID, AnyValue::from(id.as_str().to_owned()));
    }
    if let Some(principal) = &line.ids.principal {
        for (key, value) in [(USER_ID, principal.id()), (USER_HASH, principal.hash())] {
            if let Some(value) = value {
                record.add_attribute(key, AnyValue::from(value.to_owned()));
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
    fields: &'static FieldSet,
    is_log_record: bool,
    /// The prefix of a step's fields, if the event is a step's.
    step_prefix: Option<&'a str>,
    /// True if the record says on whose behalf it was written.
    principal: bool,
}

impl Attributes<'_> {
    fn add(&mut self, field: &Field, value: impl Into<AnyValue>) {
        let name = field.name();
        // Attributes are unique: of two with one name the first counts, and the keys of the correlation id and of the
        // principal are ours.
        if self
            .fields
            .iter()
            .take(field.index())
            .any(|earlier| earlier.name() == name)
        {
            return;
        }
        if self.is_log_record && is_log_metadata(name) {
            return;
        }
        if name == "message" {
            self.record.set_body(value.into());
        } else if name == CORRELATION_ID || self.principal && is_principal_key(name) {
            let renamed = ["field.", name].concat();
            self.record.add_attribute(Key::from(renamed), value.into());
        } else if let Some(prefix) = self.step_prefix.filter(|_| STEP_FIELDS.contains(&name)) {
            let key = [prefix, ".", name].concat();
            self.record.add_attribute(Key::from(key), value.into());
        } else {
            self.record
                .add_attribute(Key::from_static_str(name), value.into());
        }
    }
}

impl Visit for Attributes<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    // OTLP has 64 bits with a sign; digits beat a wrong number.
    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.add(field, value),
            Err(_) => self.add(field, value.to_string()),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.add(field, value),
            Err(_) => self.add(field, value.to_string()),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.add(field, value),
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
        self.add(field, guarded_format::to_text(format_args!("{value:?}")));
    }
}

/// The prefix of the attributes of steps: the namespace of the service, or `step` without one.
pub(crate) fn business_prefix(namespace: &str) -> String {
    match namespace {
        "" => "step".to_owned(),
        namespace => namespace.to_owned(),
    }
}
