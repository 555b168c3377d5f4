use opentelemetry_proto::tonic::logs::v1 as otlp;

use super::Kind::{Fixed32, Fixed64, Id, Integer, Messages, Text};
use super::common::{ANY_VALUE, KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind, Message, field, grown};

pub(in crate::receiver) static REQUEST: Message = Message {
    fields: &[field("resourceLogs", 1, Messages(&RESOURCE_LOGS))],
    size: 0,
};

static RESOURCE_LOGS: Message = Message {
    fields: &[
        field("resource", 1, Kind::Message(&RESOURCE)),
        field("scopeLogs", 2, Messages(&SCOPE_LOGS)),
        field("schemaUrl", 3, Text),
    ],
    size: grown(size_of::<otlp::ResourceLogs>()),
};

static SCOPE_LOGS: Message = Message {
    fields: &[
        field("scope", 1, Kind::Message(&SCOPE)),
        field("logRecords", 2, Messages(&LOG_RECORD)),
        field("schemaUrl", 3, Text),
    ],
    size: grown(size_of::<otlp::ScopeLogs>()),
};

static LOG_RECORD: Message = Message {
    fields: &[
        field("timeUnixNano", 1, Fixed64),
        field("observedTimeUnixNano", 11, Fixed64),
        field("severityNumber", 2, Integer(SEVERITIES)),
        field("severityText", 3, Text),
        field("body", 5, Kind::Message(&ANY_VALUE)),
        field("attributes", 6, Messages(&KEY_VALUE)),
        field("flags", 8, Fixed32),
        field("traceId", 9, Id),
        field("spanId", 10, Id),
        field("eventName", 12, Text),
    ],
    size: grown(size_of::<otlp::LogRecord>()),
};

const SEVERITIES: &[(&str, i64)] = &[
    ("SEVERITY_NUMBER_UNSPECIFIED", 0),
    ("SEVERITY_NUMBER_TRACE", 1),
    ("SEVERITY_NUMBER_TRACE2", 2),
    ("SEVERITY_NUMBER_TRACE3", 3),
    ("SEVERITY_NUMBER_TRACE4", 4),
    ("SEVERITY_NUMBER_DEBUG", 5),
    ("SEVERITY_NUMBER_DEBUG2", 6),
    ("SEVERITY_NUMBER_DEBUG3", 7),
    ("SEVERITY_NUMBER_DEBUG4", 8),
    ("SEVERITY_NUMBER_INFO", 9),
    ("SEVERITY_NUMBER_INFO2", 10),
    ("SEVERITY_NUMBER_INFO3", 11),
    ("SEVERITY_NUMBER_INFO4", 12),
    ("SEVERITY_NUMBER_WARN", 13),
    ("SEVERITY_NUMBER_WARN2", 14),
    ("SEVERITY_NUMBER_WARN3", 15),
    ("SEVERITY_NUMBER_WARN4", 16),
    ("SEVERITY_NUMBER_ERROR", 17),
    ("SEVERITY_NUMBER_ERROR2", 18),
    ("SEVERITY_NUMBER_ERROR3", 19),
    ("SEVERITY_NUMBER_ERROR4", 20),
    ("SEVERITY_NUMBER_FATAL", 21),
    ("SEVERITY_NUMBER_FATAL2", 22),
    ("SEVERITY_NUMBER_FATAL3", 23),
    ("SEVERITY_NUMBER_FATAL4", 24),
];
