use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use telemetry_viewer::{LogFilter, Value};

use super::*;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

async fn post(viewer: &Viewer, path: &str, content_type: &str, body: Vec<u8>) -> Response {
    reqwest::Client::new()
        .post(format!("{}{path}", viewer.http_endpoint()))
        .header("content-type", content_type)
        .body(body)
        .send()
        .await
        .unwrap()
}

async fn post_gzip(viewer: &Viewer, body: Vec<u8>) -> Response {
    reqwest::Client::new()
        .post(format!("{}/v1/traces", viewer.http_endpoint()))
        .header("content-type", PROTOBUF)
        .header("content-encoding", "gzip")
        .body(body)
        .send()
        .await
        .unwrap()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn content_type(response: &Response) -> &str {
    response.headers()["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn every_signal_is_taken_as_protobuf() {
    let viewer = viewer().await;
    let response = post(&viewer, "/v1/traces", PROTOBUF, checkout().encode_to_vec()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(content_type(&response), PROTOBUF);
    let body = response.bytes().await.unwrap();
    let answer = ExportTraceServiceResponse::decode(body).unwrap();
    assert_eq!(answer.partial_success, None);
    let response = post(&viewer, "/v1/logs", PROTOBUF, logs().encode_to_vec()).await;
    assert_eq!(response.status(), 200);
    let response = post(&viewer, "/v1/metrics", PROTOBUF, metrics().encode_to_vec()).await;
    assert_eq!(response.status(), 200);

    let store = viewer.store();
    assert_eq!(store.trace(TRACE).unwrap().spans.len(), 2);
    assert_eq!(store.logs(&LogFilter::trace(TRACE)).len(), 1);
    assert_eq!(store.red()[0].route, "/checkout");
}

#[tokio::test]
async fn every_signal_is_taken_as_json() {
    let viewer = viewer().await;
    let trace = r#"{"resourceSpans":[{"resource":{"attributes":[
        {"key":"service.name","value":{"stringValue":"shop"}}]},
        "scopeSpans":[{"spans":[{"traceId":"abababababababababababababababab",
        "spanId":"0101010101010101","name":"json","kind":3,"unknownField":1,
        "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000000001000",
        "attributes":[{"key":"n","value":{"intValue":"7"}}],"status":{"code":2}}]}]}]}"#;
    let response = post(&viewer, "/v1/traces", JSON, trace.into()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(content_type(&response), JSON);
    assert_eq!(response.text().await.unwrap(), "{}");
    for (path, body) in [
        ("/v1/logs", serde_json::to_vec(&logs()).unwrap()),
        ("/v1/metrics", serde_json::to_vec(&metrics()).unwrap()),
    ] {
        let response = post(&viewer, path, "application/json; charset=utf-8", body).await;
        assert_eq!(response.status(), 200, "{path}");
    }

    let store = viewer.store();
    let trace = store.trace(TRACE).unwrap();
    assert_eq!(trace.spans[0].attribute("n"), Some(&Value::Int(7)));
    assert!(trace.has_error());
    assert_eq!(store.logs(&LogFilter::trace(TRACE)).len(), 1);
    assert_eq!(store.red()[0].p50, Some(0.1));
}

#[tokio::test]
async fn a_gzip_body_is_unpacked() {
    let viewer = viewer().await;
    let response = post_gzip(&viewer, gzip(&checkout().encode_to_vec())).await;
    assert_eq!(response.status(), 200);
    assert!(viewer.store().trace(TRACE).is_some());
}

#[tokio::test]
async fn a_body_that_is_not_what_it_claims_is_a_client_error_in_its_own_encoding() {
    let viewer = viewer().await;
    for (kind, body) in [
        (PROTOBUF, b"\xff\xff\xff".to_vec()),
        (PROTOBUF, checkout().encode_to_vec()[..40].to_vec()),
        (JSON, b"{\"resourceSpans\":7}".to_vec()),
        (JSON, Vec::new()),
        (JSON, "[".repeat(100_000).into_bytes()),
    ] {
        let response = post(&viewer, "/v1/traces", kind, body).await;
        assert_eq!(response.status(), 400);
        assert_eq!(content_type(&response), kind);
        let body = response.bytes().await.unwrap();
        assert!(
            String::from_utf8_lossy(&body).contains("not an OTLP"),
            "{body:?}"
        );
    }
    let garbage = post_gzip(&viewer, b"no gzip".to_vec()).await;
    assert_eq!(garbage.status(), 400);
    assert_eq!(get(&viewer, "/livez").await.status(), 200);
}

#[tokio::test]
async fn a_bomb_is_refused_before_it_unpacks() {
    let viewer = viewer().await;
    let bomb = gzip(&vec![0; 64 << 20]);
    assert_eq!(post_gzip(&viewer, bomb).await.status(), 413);
    let plain = post(&viewer, "/v1/traces", PROTOBUF, vec![0; 9 << 20]).await;
    assert_eq!(plain.status(), 413);
}

#[tokio::test]
async fn other_media_types_encodings_and_methods_are_named_as_unsupported() {
    let viewer = viewer().await;
    let response = post(&viewer, "/v1/traces", "text/plain", Vec::new()).await;
    assert_eq!(response.status(), 415);
    let response = reqwest::Client::new()
        .post(format!("{}/v1/traces", viewer.http_endpoint()))
        .header("content-type", PROTOBUF)
        .header("content-encoding", "br")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 415);
    assert_eq!(get(&viewer, "/v1/traces").await.status(), 405);
}

#[tokio::test]
async fn refused_spans_are_reported_in_json_as_otlp_writes_it() {
    let viewer = viewer().await;
    let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"no id"}]}]}]}"#;
    let response = post(&viewer, "/v1/traces", JSON, body.to_vec()).await;
    assert_eq!(response.status(), 200);
    let body = response.text().await.unwrap();
    assert!(
        body.contains(r#""partialSuccess":{"rejectedSpans":"#),
        "{body}"
    );
}

#[tokio::test]
async fn json_is_taken_in_every_spelling_of_the_specification() {
    let viewer = viewer().await;
    let body = format!(
        r#"{{"resourceSpans":[{{"resource":null,"scopeSpans":[{{"scope":null,"spans":[{{
            "traceId":"{TRACE}","spanId":"0101010101010101","parentSpanId":null,"name":null,
            "kind":"SPAN_KIND_SERVER","startTimeUnixNano":"1","endTimeUnixNano":2,"events":null,
            "attributes":[{{"key":"n","value":{{"doubleValue":"NaN"}}}},
                          {{"key":"i","value":{{"doubleValue":"-Infinity"}}}}],
            "status":{{"code":"STATUS_CODE_ERROR","message":null}},"new":[{{}}]}}]}}]}}]}}"#
    );
    let response = post(&viewer, "/v1/traces", JSON, body.into_bytes()).await;
    assert_eq!(response.status(), 200, "{:?}", response.text().await);
    let trace = viewer.store().trace(TRACE).unwrap();
    let span = &trace.spans[0];
    assert_eq!(span.attribute("i"), Some(&Value::Double(f64::NEG_INFINITY)));
    assert!(matches!(span.attribute("n"), Some(Value::Double(number)) if number.is_nan()));
    assert!(span.is_error());
}
