use opentelemetry_proto::tonic::metrics::v1 as otlp;

use super::Kind::{
    Bool, Double, DoubleList, Fixed64, Fixed64List, Id, Integer, Messages, Signed64, Text,
    VarintList, Zigzag,
};
use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind, Message, field, grown};

pub(in crate::receiver) static REQUEST: Message = Message {
    fields: &[field("resourceMetrics", 1, Messages(&RESOURCE_METRICS))],
    size: 0,
};

static RESOURCE_METRICS: Message = Message {
    fields: &[
        field("resource", 1, Kind::Message(&RESOURCE)),
        field("scopeMetrics", 2, Messages(&SCOPE_METRICS)),
        field("schemaUrl", 3, Text),
    ],
    size: grown(size_of::<otlp::ResourceMetrics>()),
};

static SCOPE_METRICS: Message = Message {
    fields: &[
        field("scope", 1, Kind::Message(&SCOPE)),
        field("metrics", 2, Messages(&METRIC)),
        field("schemaUrl", 3, Text),
    ],
    size: grown(size_of::<otlp::ScopeMetrics>()),
};

static METRIC: Message = Message {
    fields: &[
        field("name", 1, Text),
        field("description", 2, Text),
        field("unit", 3, Text),
        field("gauge", 5, Kind::Message(&GAUGE)),
        field("sum", 7, Kind::Message(&SUM)),
        field("histogram", 9, Kind::Message(&HISTOGRAM)),
        field("exponentialHistogram", 10, Kind::Message(&EXPONENTIAL)),
        field("summary", 11, Kind::Message(&SUMMARY)),
    ],
    size: grown(size_of::<otlp::Metric>()),
};

static GAUGE: Message = Message {
    fields: &[field("dataPoints", 1, Messages(&NUMBER_POINT))],
    size: 0,
};

static SUM: Message = Message {
    fields: &[
        field("dataPoints", 1, Messages(&NUMBER_POINT)),
        field("aggregationTemporality", 2, TEMPORALITY),
        field("isMonotonic", 3, Bool),
    ],
    size: 0,
};

static HISTOGRAM: Message = Message {
    fields: &[
        field("dataPoints", 1, Messages(&HISTOGRAM_POINT)),
        field("aggregationTemporality", 2, TEMPORALITY),
    ],
    size: 0,
};

static EXPONENTIAL: Message = Message {
    fields: &[
        field("dataPoints", 1, Messages(&EXPONENTIAL_POINT)),
        field("aggregationTemporality", 2, TEMPORALITY),
    ],
    size: 0,
};

static SUMMARY: Message = Message {
    fields: &[field("dataPoints", 1, Messages(&SUMMARY_POINT))],
    size: 0,
};

const TEMPORALITY: Kind = Integer(&[
    ("AGGREGATION_TEMPORALITY_UNSPECIFIED", 0),
    ("AGGREGATION_TEMPORALITY_DELTA", 1),
    ("AGGREGATION_TEMPORALITY_CUMULATIVE", 2),
]);

static NUMBER_POINT: Message = Message {
    fields: &[
        field("attributes", 7, Messages(&KEY_VALUE)),
        field("startTimeUnixNano", 2, Fixed64),
        field("timeUnixNano", 3, Fixed64),
        field("asDouble", 4, Double),
        field("asInt", 6, Signed64),
        field("exemplars", 5, Messages(&EXEMPLAR)),
        field("flags", 8, Integer(&[])),
    ],
    size: grown(size_of::<otlp::NumberDataPoint>()),
};

static HISTOGRAM_POINT: Message = Message {
    fields: &[
        field("attributes", 9, Messages(&KEY_VALUE)),
        field("startTimeUnixNano", 2, Fixed64),
        field("timeUnixNano", 3, Fixed64),
        field("count", 4, Fixed64),
        field("sum", 5, Double),
        field("bucketCounts", 6, Fixed64List),
        field("explicitBounds", 7, DoubleList),
        field("exemplars", 8, Messages(&EXEMPLAR)),
        field("flags", 10, Integer(&[])),
        field("min", 11, Double),
        field("max", 12, Double),
    ],
    size: grown(size_of::<otlp::HistogramDataPoint>()),
};

static EXPONENTIAL_POINT: Message = Message {
    fields: &[
        field("attributes", 1, Messages(&KEY_VALUE)),
        field("startTimeUnixNano", 2, Fixed64),
        field("timeUnixNano", 3, Fixed64),
        field("count", 4, Fixed64),
        field("sum", 5, Double),
        field("scale", 6, Zigzag),
        field("zeroCount", 7, Fixed64),
        field("positive", 8, Kind::Message(&BUCKETS)),
        field("negative", 9, Kind::Message(&BUCKETS)),
        field("flags", 10, Integer(&[])),
        field("exemplars", 11, Messages(&EXEMPLAR)),
        field("min", 12, Double),
        field("max", 13, Double),
        field("zeroThreshold", 14, Double),
    ],
    size: grown(size_of::<otlp::ExponentialHistogramDataPoint>()),
};

static BUCKETS: Message = Message {
    fields: &[
        field("offset", 1, Zigzag),
        field("bucketCounts", 2, VarintList),
    ],
    size: 0,
};

static SUMMARY_POINT: Message = Message {
    fields: &[
        field("attributes", 7, Messages(&KEY_VALUE)),
        field("startTimeUnixNano", 2, Fixed64),
        field("timeUnixNano", 3, Fixed64),
        field("count", 4, Fixed64),
        field("sum", 5, Double),
        field("quantileValues", 6, Messages(&QUANTILE)),
        field("flags", 8, Integer(&[])),
    ],
    size: grown(size_of::<otlp::SummaryDataPoint>()),
};

static QUANTILE: Message = Message {
    fields: &[field("quantile", 1, Double), field("value", 2, Double)],
    size: grown(size_of::<otlp::summary_data_point::ValueAtQuantile>()),
};

static EXEMPLAR: Message = Message {
    fields: &[
        field("filteredAttributes", 7, Messages(&KEY_VALUE)),
        field("timeUnixNano", 2, Fixed64),
        field("asDouble", 3, Double),
        field("asInt", 6, Signed64),
        field("spanId", 4, Id),
        field("traceId", 5, Id),
    ],
    size: grown(size_of::<otlp::Exemplar>()),
};
