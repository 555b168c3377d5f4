//! How much a span takes, about: enough to bound memory and requests, cheap enough for every span.

use std::mem::size_of_val;

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// The bytes of a span in memory, and no less than on the wire.
pub(crate) fn of(span: &SpanData) -> usize {
    let mut size = size_of_val(span) + span.name.len() + attributes(&span.attributes);
    for event in span.events.iter() {
        size += size_of_val(event) + event.name.len() + attributes(&event.attributes);
    }
    for link in span.links.iter() {
        size += size_of_val(link) + attributes(&link.attributes);
    }
    size
}

fn attributes(attributes: &[KeyValue]) -> usize {
    let content = attributes.iter().map(|attribute| {
        let value = match &attribute.value {
            Value::String(text) => text.as_str().len(),
            Value::Array(array) => self::array(array),
            _ => 0,
        };
        attribute.key.as_str().len() + value
    });
    size_of_val(attributes) + content.sum::<usize>()
}

/// On the wire an item of an array is a message with a tag and a length.
const ITEM: usize = 12;

fn array(array: &Array) -> usize {
    match array {
        Array::Bool(items) => items.len() * ITEM,
        Array::I64(items) => items.len() * ITEM,
        Array::F64(items) => items.len() * ITEM,
        Array::String(items) => {
            let text = items.iter().map(|text| text.as_str().len());
            size_of_val(items.as_slice()) + text.sum::<usize>()
        }
        _ => 0,
    }
}
