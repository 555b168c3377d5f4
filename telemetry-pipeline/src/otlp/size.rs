//! How much memory a queued item holds, about: enough to bound a queue, cheap enough for every span.

use std::mem::size_of;

use opentelemetry::{Array, Key, KeyValue, Value, logs::AnyValue};
use opentelemetry_sdk::{logs::SdkLogRecord, trace::SpanData};

pub(crate) fn span(span: &SpanData) -> usize {
    let mut size = size_of::<SpanData>() + span.name.len() + attributes(&span.attributes);
    for event in span.events.iter() {
        size += size_of_val(event) + event.name.len() + attributes(&event.attributes);
    }
    for link in span.links.iter() {
        size += size_of_val(link) + attributes(&link.attributes);
    }
    size
}

pub(crate) fn log_record(record: &SdkLogRecord) -> usize {
    let attributes = record
        .attributes_iter()
        .map(|(key, value)| size_of::<(Key, AnyValue)>() + key.as_str().len() + any(value));
    size_of::<SdkLogRecord>() + record.body().map_or(0, any) + attributes.sum::<usize>()
}

fn attributes(attributes: &[KeyValue]) -> usize {
    let heap = attributes.iter().map(|attribute| match &attribute.value {
        Value::String(text) => text.as_str().len(),
        Value::Array(array) => self::array(array),
        _ => 0,
    });
    size_of_val(attributes) + heap.sum::<usize>()
}

fn array(array: &Array) -> usize {
    match array {
        Array::Bool(items) => items.len(),
        Array::I64(items) => size_of_val(items.as_slice()),
        Array::F64(items) => size_of_val(items.as_slice()),
        Array::String(items) => {
            let text = items.iter().map(|text| text.as_str().len());
            size_of_val(items.as_slice()) + text.sum::<usize>()
        }
        _ => 0,
    }
}

fn any(value: &AnyValue) -> usize {
    match value {
        AnyValue::String(text) => text.as_str().len(),
        AnyValue::Bytes(bytes) => bytes.len(),
        AnyValue::ListAny(items) => items
            .iter()
            .map(|item| size_of::<AnyValue>() + any(item))
            .sum(),
        AnyValue::Map(entries) => entries
            .iter()
            .map(|(key, value)| size_of::<(Key, AnyValue)>() + key.as_str().len() + any(value))
            .sum(),
        _ => 0,
    }
}
