use std::{borrow::Cow, time::Duration};

use opentelemetry::{
    Array, KeyValue, StringValue, Value,
    trace::{SpanContext, TraceFlags, TraceId, TraceState},
};
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::trace::tonic::group_spans_by_resource_and_scope,
};
use opentelemetry_sdk::{
    Resource as SdkResource,
    trace::{SpanEvents, SpanLinks},
};
use proptest::prelude::*;

use super::*;
use crate::otlp::{AttributeLimits, request::Request as _};

/// The request that opentelemetry-proto makes of the spans is the measure.
fn expected(
    spans: &[SpanData],
    resource: &ResourceAttributesWithSchema,
    value_length: Option<usize>,
) -> ExportTraceServiceRequest {
    let mut request = ExportTraceServiceRequest {
        resource_spans: group_spans_by_resource_and_scope(spans.to_vec(), resource),
    };
    let limits = AttributeLimits {
        count: None,
        value_length,
    };
    limits.apply_to_spans(&mut request);
    request.complete_schema_urls();
    request
}

fn assert_same(spans: &[SpanData], value_length: Option<usize>) {
    let resource = SdkResource::builder_empty()
        .with_schema_url(
            [KeyValue::new(
                "service.name",
                "a name longer than any limit",
            )],
            "https://opentelemetry.io/schemas/1.44.0",
        )
        .build();
    let resource = ResourceAttributesWithSchema::from(&resource);
    let bytes = encode(spans, &resource, value_length);
    let decoded = ExportTraceServiceRequest::decode(&bytes[..]);
    assert_eq!(decoded, Ok(expected(spans, &resource, value_length)));
}

fn context(id: u128, flags: TraceFlags, remote: bool, state: &str) -> SpanContext {
    SpanContext::new(
        TraceId::from(id),
        SpanId::from(7),
        flags,
        remote,
        state.parse().unwrap_or(TraceState::NONE),
    )
}

fn span() -> SpanData {
    SpanData {
        span_context: context(1 << 100, TraceFlags::SAMPLED, false, "a=1,b=2"),
        parent_span_id: SpanId::from(3),
        parent_span_is_remote: true,
        span_kind: SpanKind::Server,
        name: Cow::Borrowed("GET /orders/{id}"),
        start_time: UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789),
        end_time: UNIX_EPOCH + Duration::from_nanos(1_700_000_001_000_000_001),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("benches").build(),
    }
}

fn every_type() -> Vec<KeyValue> {
    let texts = [
        "äöüß",
        "",
        "as long as one byte of length cannot say, which is 128 bytes or more, \
                  so that the lengths of the messages around it are moved",
    ];
    let mut all = vec![
        KeyValue::new("true", true),
        KeyValue::new("false", false),
        KeyValue::new("zero", 0),
        KeyValue::new("negative", -1),
        KeyValue::new("large", i64::MAX),
        KeyValue::new("half", 0.5),
        KeyValue::new("none", 0.0),
        KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
        KeyValue::new("numbers", Value::Array(Array::I64(vec![0, -1, i64::MIN]))),
        KeyValue::new("floats", Value::Array(Array::F64(vec![0.0, 1e300]))),
        KeyValue::new("nothing", Value::Array(Array::I64(Vec::new()))),
        KeyValue::new("", "no key"),
    ];
    all.extend(texts.map(|text| KeyValue::new("text", text)));
    let texts = texts.map(StringValue::from).to_vec();
    all.push(KeyValue::new("texts", Value::Array(Array::String(texts))));
    all
}

#[test]
fn a_span_with_everything_is_what_opentelemetry_proto_makes_of_it() {
    let mut full = span();
    full.attributes = every_type();
    full.dropped_attributes_count = 300;
    full.status = Status::error("out of stock");
    full.events.dropped_count = 1;
    full.events.events = vec![
        Event::new(
            "exception",
            UNIX_EPOCH + Duration::from_secs(1),
            every_type(),
            2,
        ),
        Event::new("", UNIX_EPOCH, Vec::new(), 0),
    ];
    full.links.dropped_count = 4;
    full.links.links = vec![
        Link::new(
            context(5, TraceFlags::SAMPLED, true, "x=y"),
            every_type(),
            6,
        ),
        Link::new(context(0, TraceFlags::default(), false, ""), Vec::new(), 0),
    ];
    for value_length in [None, Some(0), Some(3), Some(1000)] {
        assert_same(std::slice::from_ref(&full), value_length);
    }
}

#[test]
fn spans_are_grouped_by_scope_and_an_empty_batch_is_a_request() {
    let scopes = [
        InstrumentationScope::builder("a").build(),
        InstrumentationScope::builder("b")
            .with_version("1.0")
            .with_schema_url("https://opentelemetry.io/schemas/1.30.0")
            .with_attributes([KeyValue::new("kind", "longer than the limit of values")])
            .build(),
        InstrumentationScope::builder("").build(),
    ];
    let spans: Vec<_> = (0..10)
        .map(|n| SpanData {
            instrumentation_scope: scopes[n % 3].clone(),
            name: n.to_string().into(),
            ..span()
        })
        .collect();
    assert_same(&spans, Some(3));
    assert_same(&[], None);
}

proptest! {
    #[test]
    fn any_span_is_what_opentelemetry_proto_makes_of_it(
        (name, text, number) in (".*", ".{0,300}", any::<i64>()),
        (kind, status) in (0_usize..5, 0..3),
        (ids, parent, flags, remote) in (any::<u128>(), any::<u64>(), any::<u8>(), any::<bool>()),
        (start, end) in (any::<u32>(), any::<u32>()),
        value_length in proptest::option::of(0_usize..200),
        copies in 1_usize..40,
    ) {
        let span = SpanData {
            span_context: context(ids, TraceFlags::new(flags), remote, ""),
            parent_span_id: SpanId::from(parent),
            parent_span_is_remote: remote,
            span_kind: [
                SpanKind::Internal,
                SpanKind::Server,
                SpanKind::Client,
                SpanKind::Producer,
                SpanKind::Consumer,
            ][kind].clone(),
            name: name.into(),
            start_time: UNIX_EPOCH + Duration::from_micros(start.into()),
            end_time: UNIX_EPOCH + Duration::from_micros(end.into()),
            attributes: vec![KeyValue::new("text", text.clone()), KeyValue::new("number", number)],
            status: match status {
                0 => Status::Unset,
                1 => Status::Ok,
                _ => Status::error(text),
            },
            ..span()
        };
        assert_same(&vec![span; copies], value_length);
    }
}
