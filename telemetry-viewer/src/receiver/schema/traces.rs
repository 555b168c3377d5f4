use opentelemetry_proto::tonic::trace::v1 as otlp;

use super::Kind::{Fixed32, Fixed64, Id, Integer, Messages, Text};
use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind, Message, field, grown};
use crate::model;

pub(in crate::receiver) static REQUEST: Message = Message {
    fields: &[field("resourceSpans", 1, Messages(&RESOURCE_SPANS))],
    size: 0,
};

static RESOURCE_SPANS: Message = Message {
    fields: &[
        field("resource", 1, Kind::Message(&RESOURCE)),
        field("scopeSpans", 2, Messages(&SCOPE_SPANS)),
        field("schemaUrl", 3, Text),
    ],
    size: grown(size_of::<otlp::ResourceSpans>()),
};

static SCOPE_SPANS: Message = Message {
    fields: &[
        field("scope", 1, Kind::Message(&SCOPE)),
        field("spans", 2, Messages(&SPAN)),
        field("schemaUrl", 3, Text),
    ],
    size: grown(size_of::<otlp::ScopeSpans>()),
};

static SPAN: Message = Message {
    fields: &[
        field("traceId", 1, Id),
        field("spanId", 2, Id),
        field("traceState", 3, Text),
        field("parentSpanId", 4, Id),
        field("name", 5, Text),
        field("kind", 6, Integer(KINDS)),
        field("startTimeUnixNano", 7, Fixed64),
        field("endTimeUnixNano", 8, Fixed64),
        field("attributes", 9, Messages(&KEY_VALUE)),
        field("events", 11, Messages(&EVENT)),
        field("links", 13, Messages(&LINK)),
        field("status", 15, Kind::Message(&STATUS)),
        field("flags", 16, Fixed32),
    ],
    size: grown(size_of::<otlp::Span>()),
};

const KINDS: &[(&str, i64)] = &[
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
];

static EVENT: Message = Message {
    fields: &[
        field("timeUnixNano", 1, Fixed64),
        field("name", 2, Text),
        field("attributes", 3, Messages(&KEY_VALUE)),
    ],
    size: grown(size_of::<otlp::span::Event>() + size_of::<model::SpanEvent>()),
};

static LINK: Message = Message {
    fields: &[
        field("traceId", 1, Id),
        field("spanId", 2, Id),
        field("traceState", 3, Text),
        field("attributes", 4, Messages(&KEY_VALUE)),
        field("flags", 6, Fixed32),
    ],
    size: grown(size_of::<otlp::span::Link>() + size_of::<model::SpanLink>()),
};

static STATUS: Message = Message {
    fields: &[field("message", 2, Text), field("code", 3, Integer(CODES))],
    size: 0,
};

const CODES: &[(&str, i64)] = &[
    ("STATUS_CODE_UNSET", 0),
    ("STATUS_CODE_OK", 1),
    ("STATUS_CODE_ERROR", 2),
];
