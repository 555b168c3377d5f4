use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::*;
use crate::receiver::schema::{METRICS, TRACES};

fn span(fields: &str) -> Result<Span, String> {
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
    let body = to_protobuf(&TRACES, json.as_bytes()).map_err(|error| error.to_string())?;
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    Ok(request.resource_spans[0].scope_spans[0].spans[0].clone())
}

fn value(value: &str) -> Result<Option<Value>, String> {
    let span = span(&format!(
        r#""attributes":[{{"key":"k","value":{{{value}}}}}]"#
    ))?;
    Ok(span.attributes[0].value.clone().and_then(|it| it.value))
}

#[test]
fn doubles_have_every_spelling_of_protojson() {
    for (text, expected) in [
        ("1.5", 1.5),
        ("\"1.5\"", 1.5),
        ("2", 2.0),
        ("-1e3", -1000.0),
        ("\"1E3\"", 1000.0),
        ("\"Infinity\"", f64::INFINITY),
        ("\"-Infinity\"", f64::NEG_INFINITY),
    ] {
        let read = value(&format!(r#""doubleValue":{text}"#)).unwrap();
        assert_eq!(read, Some(Value::DoubleValue(expected)), "{text}");
    }
    let Some(Value::DoubleValue(number)) = value(r#""doubleValue":"NaN""#).unwrap() else {
        panic!("NaN is a number here");
    };
    assert!(number.is_nan());
    for text in ["\"nan\"", "\"inf\"", "\"\"", "true", "[1]", "\"0x1\""] {
        assert!(
            value(&format!(r#""doubleValue":{text}"#)).is_err(),
            "{text}"
        );
    }
}

#[test]
fn integers_come_as_numbers_strings_and_with_exponents() {
    for (text, expected) in [
        ("7", 7),
        ("\"7\"", 7),
        ("-7", -7),
        ("1e3", 1000),
        ("\"1.0\"", 1),
        ("\"-9223372036854775808\"", i64::MIN),
        ("9223372036854775807", i64::MAX),
    ] {
        let read = value(&format!(r#""intValue":{text}"#)).unwrap();
        assert_eq!(read, Some(Value::IntValue(expected)), "{text}");
    }
    for text in ["1.5", "\"x\"", "9223372036854775808", "true"] {
        assert!(value(&format!(r#""intValue":{text}"#)).is_err(), "{text}");
    }
}

#[test]
fn null_is_the_default_and_an_empty_value_stays_what_it_is() {
    let read = span(
        r#""name":null,"kind":null,"startTimeUnixNano":null,"attributes":null,"status":null,
           "parentSpanId":null,"traceId":"0af7651916cd43dd8448eb211c80319c""#,
    )
    .unwrap();
    assert_eq!(
        read,
        Span {
            trace_id: read.trace_id.clone(),
            ..Span::default()
        }
    );
    assert_eq!(read.trace_id.len(), 16);
    assert_eq!(value(r#""stringValue":null"#).unwrap(), None);
    assert_eq!(
        value(r#""stringValue":"""#).unwrap(),
        Some(Value::StringValue(String::new()))
    );
    assert_eq!(
        value(r#""boolValue":false"#).unwrap(),
        Some(Value::BoolValue(false))
    );
    assert_eq!(
        value(r#""intValue":"0""#).unwrap(),
        Some(Value::IntValue(0))
    );
}

#[test]
fn enumerations_have_numbers_and_names() {
    for kind in ["3", "\"SPAN_KIND_CLIENT\"", "\"3\""] {
        assert_eq!(span(&format!(r#""kind":{kind}"#)).unwrap().kind, 3);
    }
    assert!(span(r#""kind":"CLIENT""#).is_err());
    let status = span(r#""status":{"code":"STATUS_CODE_ERROR","message":"no"}"#).unwrap();
    assert_eq!(status.status.unwrap().code, 2);
}

#[test]
fn bytes_are_base64_of_both_alphabets_and_ids_are_hex() {
    for text in ["+/8=", "+/8", "-_8=", "-_8"] {
        let read = value(&format!(r#""bytesValue":"{text}""#)).unwrap();
        assert_eq!(read, Some(Value::BytesValue(vec![0xfb, 0xff])), "{text}");
    }
    assert!(value(r#""bytesValue":"?""#).is_err());
    let id = span(r#""spanId":"00F067AA0BA902B7""#).unwrap().span_id;
    assert_eq!(id, [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert!(span(r#""spanId":"xy""#).is_err());
}

#[test]
fn unknown_fields_are_ignored_and_nested_values_kept() {
    let read = value(
        r#""newField":{"a":[1]},"kvlistValue":{"values":[{"key":"x","value":{"arrayValue":{"values":[{"intValue":1},{}]}}}]}"#,
    )
    .unwrap();
    let Some(Value::KvlistValue(list)) = read else {
        panic!("a list of keys and values");
    };
    let Some(Value::ArrayValue(array)) = list.values[0].value.clone().unwrap().value else {
        panic!("an array");
    };
    assert_eq!(array.values.len(), 2);
}

#[test]
fn points_of_every_kind_are_read() {
    let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"a","gauge":{"dataPoints":[{"asInt":"-3","timeUnixNano":"5"},{"asDouble":"NaN"}]}},
        {"name":"b","histogram":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","dataPoints":[
            {"count":"3","bucketCounts":["1",2,"0"],"explicitBounds":[0.5,"1"],"min":null}]}},
        {"name":"c","exponentialHistogram":{"dataPoints":[
            {"scale":-2,"positive":{"offset":-5,"bucketCounts":["1","0",3]}}]}}]}]}]}"#;
    let body = to_protobuf(&METRICS, json.as_bytes()).unwrap();
    let request = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let Some(Data::Gauge(gauge)) = &metrics[0].data else {
        panic!("a gauge");
    };
    assert_eq!(
        gauge.data_points[0].value,
        Some(number_data_point::Value::AsInt(-3))
    );
    let Some(Data::Histogram(histogram)) = &metrics[1].data else {
        panic!("a histogram");
    };
    assert_eq!(histogram.aggregation_temporality, 1);
    assert_eq!(histogram.data_points[0].bucket_counts, [1, 2, 0]);
    assert_eq!(histogram.data_points[0].explicit_bounds, [0.5, 1.0]);
    assert_eq!(histogram.data_points[0].min, None);
    let Some(Data::ExponentialHistogram(exponential)) = &metrics[2].data else {
        panic!("an exponential histogram");
    };
    let point = &exponential.data_points[0];
    assert_eq!(point.scale, -2);
    assert_eq!(point.positive.as_ref().unwrap().offset, -5);
    assert_eq!(point.positive.as_ref().unwrap().bucket_counts, [1, 0, 3]);
}

#[test]
fn what_is_no_request_is_named() {
    for json in [
        "",
        "[]",
        "{",
        "{}x",
        r#"{"resourceSpans":7}"#,
        r#"{"resourceSpans":[7]}"#,
    ] {
        assert!(to_protobuf(&TRACES, json.as_bytes()).is_err(), "{json}");
    }
    let error = span(r#""startTimeUnixNano":-1"#).unwrap_err();
    assert!(error.contains("startTimeUnixNano"), "{error}");
    let deep = r#"{"a":"#.repeat(100_000);
    assert!(to_protobuf(&TRACES, deep.as_bytes()).is_err());
}
