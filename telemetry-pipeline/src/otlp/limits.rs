//! Attribute limits that the SDK has no notion of, applied to what is about to be sent, on the export thread.

use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value::Value},
};

/// No request grows far beyond this many bytes, since collectors refuse one of more than 4 MiB. One item alone may.
pub(crate) const REQUEST_BYTES: usize = 2 * 1024 * 1024;

/// The limits of one signal's attributes; `None` is no limit. Resource and metrics have none, as the specification
/// says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AttributeLimits {
    pub(crate) count: Option<usize>,
    /// In characters, and in bytes of what is no text.
    pub(crate) value_length: Option<usize>,
}

impl AttributeLimits {
    /// Of spans, events and links only values are cut: the SDK counts their attributes.
    pub(crate) fn apply_to_spans(self, request: &mut ExportTraceServiceRequest) {
        let Some(limit) = self.value_length else {
            return;
        };
        let scopes = request
            .resource_spans
            .iter_mut()
            .flat_map(|resource| &mut resource.scope_spans);
        for span in scopes.flat_map(|scope| &mut scope.spans) {
            cut(&mut span.attributes, limit);
            for event in &mut span.events {
                cut(&mut event.attributes, limit);
            }
            for link in &mut span.links {
                cut(&mut link.attributes, limit);
            }
        }
    }

    pub(crate) fn apply_to_logs(self, request: &mut ExportLogsServiceRequest) {
        let scopes = request
            .resource_logs
            .iter_mut()
            .flat_map(|resource| &mut resource.scope_logs);
        for record in scopes.flat_map(|scope| &mut scope.log_records) {
            if let Some(count) = self.count {
                let dropped = record.attributes.len().saturating_sub(count);
                record.attributes.truncate(count);
                record.dropped_attributes_count = record
                    .dropped_attributes_count
                    .saturating_add(u32::try_from(dropped).unwrap_or(u32::MAX));
            }
            if let Some(limit) = self.value_length {
                cut(&mut record.attributes, limit);
            }
        }
    }
}

fn cut(attributes: &mut [KeyValue], limit: usize) {
    for value in attributes.iter_mut().filter_map(|kv| kv.value.as_mut()) {
        cut_value(value, limit);
    }
}

fn cut_value(value: &mut AnyValue, limit: usize) {
    match &mut value.value {
        Some(Value::StringValue(text)) => cut_text(text, limit),
        Some(Value::BytesValue(bytes)) => bytes.truncate(limit),
        Some(Value::ArrayValue(array)) => {
            for value in &mut array.values {
                cut_value(value, limit);
            }
        }
        Some(Value::KvlistValue(list)) => cut(&mut list.values, limit),
        _ => {}
    }
}

pub(crate) fn cut_text(text: &mut String, limit: usize) {
    text.truncate(cut_str(text, limit).len());
}

pub(crate) fn cut_str(text: &str, limit: usize) -> &str {
    // Text of so few bytes has no more characters.
    if text.len() > limit
        && let Some((at, _)) = text.char_indices().nth(limit)
    {
        &text[..at]
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_by_characters_at_any_depth() {
        let text = |text: &str| AnyValue {
            value: Some(Value::StringValue(text.to_owned())),
        };
        let mut value = AnyValue {
            value: Some(Value::ArrayValue(
                opentelemetry_proto::tonic::common::v1::ArrayValue {
                    values: vec![text("äöüß"), text("äöü"), text("")],
                },
            )),
        };
        cut_value(&mut value, 3);
        let Some(Value::ArrayValue(array)) = value.value else {
            panic!("an array");
        };
        assert_eq!(array.values, [text("äöü"), text("äöü"), text("")]);
        let mut emptied = text("é");
        cut_value(&mut emptied, 0);
        assert_eq!(emptied, text(""));
    }
}
