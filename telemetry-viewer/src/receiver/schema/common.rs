use opentelemetry_proto::tonic::common::v1 as otlp;

use super::Kind::{Bool, Bytes, Double, Integer, Messages, Text};
use super::{Field, Kind, Message, field, grown};

pub(super) static ANY_VALUE: Message = Message {
    fields: &[
        field("stringValue", 1, Text),
        field("boolValue", 2, Bool),
        field("intValue", 3, Integer(&[])),
        field("doubleValue", 4, Double),
        field("arrayValue", 5, Kind::Message(&ARRAY)),
        field("kvlistValue", 6, Kind::Message(&KEY_VALUES)),
        field("bytesValue", 7, Bytes),
    ],
    size: grown(size_of::<otlp::AnyValue>()),
};

static ARRAY: Message = Message {
    fields: &[field("values", 1, Messages(&ANY_VALUE))],
    size: 0,
};

static KEY_VALUES: Message = Message {
    fields: &[field("values", 1, Messages(&KEY_VALUE))],
    size: 0,
};

pub(super) static KEY_VALUE: Message = Message {
    fields: &[
        field("key", 1, Text),
        field("value", 2, Kind::Message(&ANY_VALUE)),
    ],
    size: grown(size_of::<otlp::KeyValue>()),
};

const RESOURCE_FIELDS: &[Field] = &[field("attributes", 1, Messages(&KEY_VALUE))];

pub(super) static RESOURCE: Message = Message {
    fields: RESOURCE_FIELDS,
    size: 0,
};

pub(super) static SCOPE: Message = Message {
    fields: &[
        field("name", 1, Text),
        field("version", 2, Text),
        field("attributes", 3, Messages(&KEY_VALUE)),
    ],
    size: 0,
};
