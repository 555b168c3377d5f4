use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use telemetry_viewer::LogFilter;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};

use super::*;

async fn connect(viewer: &Viewer) -> Channel {
    Endpoint::from_shared(viewer.grpc_endpoint())
        .unwrap()
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn every_signal_is_in_the_store_once_it_is_acknowledged() {
    let viewer = viewer().await;
    let channel = connect(&viewer).await;
    let response = TraceServiceClient::new(channel.clone())
        .export(checkout())
        .await
        .unwrap();
    assert_eq!(response.into_inner().partial_success, None);
    assert_eq!(viewer.store().trace(TRACE).unwrap().spans.len(), 2);

    LogsServiceClient::new(channel.clone())
        .export(logs())
        .await
        .unwrap();
    assert_eq!(viewer.store().logs(&LogFilter::trace(TRACE)).len(), 1);

    MetricsServiceClient::new(channel)
        .export(metrics())
        .await
        .unwrap();
    assert_eq!(viewer.store().red()[0].requests, 20);
}

#[tokio::test]
async fn a_compressed_request_is_taken_too() {
    let viewer = viewer().await;
    TraceServiceClient::new(connect(&viewer).await)
        .send_compressed(CompressionEncoding::Gzip)
        .export(checkout())
        .await
        .unwrap();
    assert!(viewer.store().trace(TRACE).is_some());
}

#[tokio::test]
async fn refused_spans_are_reported_as_a_partial_success() {
    let viewer = viewer().await;
    let mut nameless = span(3, 0, "no id");
    nameless.span_id.clear();
    let response = TraceServiceClient::new(connect(&viewer).await)
        .export(traces(vec![span(1, 0, "good"), nameless]))
        .await
        .unwrap();
    let partial = response.into_inner().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(!partial.error_message.is_empty());
    assert_eq!(viewer.store().trace(TRACE).unwrap().spans.len(), 1);
}

#[tokio::test]
async fn a_request_beyond_the_size_limit_is_an_error_and_the_next_one_is_taken() {
    let viewer = viewer().await;
    let mut client =
        TraceServiceClient::new(connect(&viewer).await).send_compressed(CompressionEncoding::Gzip);
    let huge = traces(vec![span(1, 0, &"x".repeat(9 << 20))]);
    assert!(client.export(huge).await.is_err());
    client.export(checkout()).await.unwrap();
    assert_eq!(viewer.store().trace(TRACE).unwrap().spans.len(), 2);
}
