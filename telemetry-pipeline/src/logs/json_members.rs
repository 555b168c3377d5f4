//! The fields of an event or a span as members of a JSON object.

use std::fmt;

use tracing::field::{Field, Visit};

use super::{
    bounded_text::{Bounded, CUT, end_of_value},
    callsite_parts::{Callsite, Keys},
    json_text::escape,
};

/// Appends each field as a member: `,"key":value`.
pub(crate) struct Members<'a> {
    text: &'a mut String,
    keys: &'a Keys,
    max_value: usize,
}

impl<'a> Members<'a> {
    pub(crate) fn new(text: &'a mut String, keys: &'a Keys, max_value: usize) -> Self {
        Self {
            text,
            keys,
            max_value,
        }
    }

    pub(crate) fn of_span(text: &'a mut String, callsite: &'a Callsite, max_value: usize) -> Self {
        Self::new(text, &callsite.keys, max_value)
    }

    /// Appends a value that JSON writes without quotes.
    fn bare(&mut self, field: &Field, write: impl FnOnce(&mut String)) {
        if let Some(key) = self.keys.get(field) {
            self.text.push_str(&key.bare);
            write(self.text);
        }
    }

    fn digits(&mut self, field: &Field, value: impl itoa::Integer) {
        self.bare(field, |text| {
            text.push_str(itoa::Buffer::new().format(value));
        });
    }

    fn quoted(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if let Some(key) = self.keys.get(field) {
            self.text.push_str(&key.quoted);
            Bounded::new(self.text, self.max_value, escape).format(value);
            self.text.push('"');
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
            // Readers round it, and a number of that size is an identifier more often than a quantity.
            Err(_) => self.quoted(field, format_args!("{value}")),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.digits(field, value),
            // Readers round it, and a number of that size is an identifier more often than a quantity.
            Err(_) => self.quoted(field, format_args!("{value}")),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.bare(field, |text| {
                text.push_str(ryu::Buffer::new().format(value));
            });
        } else {
            // JSON has no NaN and no infinity.
            self.quoted(field, format_args!("{value}"));
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, |text| {
            text.push_str(if value { "true" } else { "false" });
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(key) = self.keys.get(field) {
            self.text.push_str(&key.quoted);
            let end = end_of_value(self.text, self.max_value);
            if !escape(self.text, value, end) {
                self.text.push(CUT);
            }
            self.text.push('"');
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.quoted(field, format_args!("{value:?}"));
    }
}
