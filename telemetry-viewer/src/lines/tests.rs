use super::*;
use crate::model::{MetricValue, Number, Value};
use crate::store::{LogFilter, TraceFilter};

const LINES: [&str; 3] = [
    r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},
"scopeSpans":[{"scope":{"name":"steps"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7",
"name":"GET /","kind":2,"startTimeUnixNano":"10","endTimeUnixNano":"20","traceState":"a=b","flags":257,
"attributes":[{"key":"n","value":{"doubleValue":"-Infinity"}},{"key":"b","value":{"bytesValue":"+/8="}},
{"key":"l","value":{"arrayValue":{"values":[{"intValue":"9007199254740993"},{"boolValue":false}]}}},
{"key":"e","value":{}}],
"events":[{"timeUnixNano":"12","name":"exception","attributes":[{"key":"k","value":{"stringValue":"v"}}]}],
"links":[{"traceId":"11111111111111111111111111111111","spanId":"2222222222222222"}],
"status":{"code":2,"message":"no"}}]}]}]}"#,
    r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},
"scopeLogs":[{"scope":{"name":"app"},"logRecords":[{"timeUnixNano":"15","severityNumber":17,"severityText":"ERROR",
"eventName":"declined","body":{"stringValue":"no"},"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7"},
{"timeUnixNano":"16","body":{"stringValue":"elsewhere"}}]}]}]}"#,
    r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},
"scopeMetrics":[{"scope":{"name":"m"},"metrics":[
{"name":"up","unit":"1","gauge":{"dataPoints":[{"timeUnixNano":"5","asInt":"3"}]}},
{"name":"sales","description":"Sold.","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"5","asDouble":1.5}]}},
{"name":"took","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"5",
"count":"3","sum":2.5,"max":2,"explicitBounds":[1],"bucketCounts":["2","1"],
"exemplars":[{"timeUnixNano":"4","asDouble":2,"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7"}]}]}},
{"name":"wide","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"5","count":"2","scale":1,
"positive":{"offset":-2,"bucketCounts":["1","0","1"]}}]}},
{"name":"old","summary":{"dataPoints":[{"timeUnixNano":"5","count":"2","sum":3,"quantileValues":[{"quantile":0.5,"value":1}]}]}}]}]}]}"#,
];

fn filled() -> Store {
    let store = Store::default();
    for line in LINES {
        let imported = store.import_line(&line.replace('\n', "")).unwrap();
        assert_eq!(imported.refused, 0);
    }
    store
}

fn exported(store: &Store, query: &str) -> String {
    let mut out = Vec::new();
    store.export(&query.parse().unwrap(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_exported_and_imported_again_is_the_same() {
    let store = filled();
    let lines = exported(&store, "");
    assert_eq!(lines.lines().count(), 3, "{lines}");
    let again = Store::default();
    for line in lines.lines() {
        again.import_line(line).unwrap();
    }
    let all = (TraceFilter::default(), LogFilter::default());
    assert_eq!(again.traces(&all.0), store.traces(&all.0));
    assert_eq!(again.logs(&all.1), store.logs(&all.1));
    assert_eq!(again.metrics(), store.metrics());
    assert_eq!(exported(&again, ""), lines);
}

#[test]
fn values_keep_their_types() {
    let store = filled();
    let trace = store.traces(&TraceFilter::default()).remove(0);
    let span = &trace.spans[0];
    assert_eq!(span.attribute("n"), Some(&Value::Double(f64::NEG_INFINITY)));
    assert_eq!(span.attribute("b"), Some(&Value::Bytes(vec![0xfb, 0xff])));
    let list = Value::Array(vec![Value::Int(9_007_199_254_740_993), Value::Bool(false)]);
    assert_eq!(span.attribute("l"), Some(&list));
    let metrics = store.metrics();
    let up = metrics.iter().find(|point| point.name == "up").unwrap();
    assert_eq!(
        up.value,
        MetricValue::Gauge {
            value: Number::Int(3)
        }
    );
}

#[test]
fn a_query_takes_its_traces_and_their_logs_and_no_metrics() {
    let store = filled();
    let lines = exported(&store, "status:error");
    assert!(
        lines.contains("GET /") && lines.contains("declined"),
        "{lines}"
    );
    assert!(
        !lines.contains("elsewhere") && !lines.contains("resourceMetrics"),
        "{lines}"
    );
    assert_eq!(exported(&store, "status:ok"), "");
}

#[test]
fn a_line_that_is_no_request_is_refused_by_name() {
    let store = Store::default();
    for (line, part) in [
        ("", "resourceSpans"),
        ("{}", "resourceSpans"),
        ("[1]", "resourceSpans"),
        (r#"{"resourceSpans":7}"#, "resourceSpans"),
        (r#"{"resourceSpans":[{}"#, "EOF"),
    ] {
        let error = store.import_line(line).unwrap_err().to_string();
        assert!(error.contains(part), "{line}: {error}");
    }
}
