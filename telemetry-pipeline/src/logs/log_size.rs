//! How much memory a queued log record holds, about: enough to bound a queue, cheap enough for every record.

use std::mem::size_of;

use opentelemetry::{Key, logs::AnyValue};
use opentelemetry_sdk::logs::SdkLogRecord;

pub(crate) fn log_record(record: &SdkLogRecord) -> usize {
    let attributes = record
        .attributes_iter()
        .map(|(key, value)| size_of::<(Key, AnyValue)>() + key.as_str().len() + any(value));
    size_of::<SdkLogRecord>() + record.body().map_or(0, any) + attributes.sum::<usize>()
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
