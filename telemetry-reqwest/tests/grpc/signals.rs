//! Metrics of failed calls, exemplars, the log about a lost context, and the hosts that get the principal.

use std::time::Duration;

use opentelemetry::{Context, trace::FutureExt as _};
use telemetry_api::{Principal, instrument::scrape::ScrapeFormat};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::{Hosts, NoPropagation, grpc::GrpcLayer};
use tokio::net::TcpListener;
use tonic::{Code, IntoRequest as _, transport::Channel};
use tower::ServiceBuilder;
use tracing::Level;

use crate::{
    SHOWN, client,
    echo::{EchoClient, serve},
    layered,
};

/// The count of the duration's series with these labels, of any server.
fn counted(telemetry: &TestTelemetry, target: &str, labels: &str) -> Option<f64> {
    let port = target.rsplit_once(':').unwrap().1;
    telemetry.metric(&format!(
        "rpc_client_call_duration_seconds_count{{{labels},rpc_system_name=\"grpc\",server_address=\"127.0.0.1\",\
         server_port=\"{port}\"}}"
    ))
}

#[tokio::test]
async fn a_call_that_fails_or_is_given_up_is_measured_like_any_other() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    let mut served = client(&telemetry, &target);
    assert!(served.unary("missing").await.is_err());
    let never = served.unary("never");
    let soon = Duration::from_millis(20);
    assert!(tokio::time::timeout(soon, never).await.is_err());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(client(&telemetry, &nobody).unary("x").await.is_err());

    for (target, labels) in [
        (
            &target,
            r#"error_type="NOT_FOUND",rpc_method="test.Echo/Unary",rpc_response_status_code="NOT_FOUND""#,
        ),
        (
            &target,
            r#"rpc_method="test.Echo/Unary",rpc_response_status_code="CANCELLED""#,
        ),
        (
            &nobody,
            r#"error_type="connect",rpc_method="test.Echo/Unary",rpc_response_status_code="UNAVAILABLE""#,
        ),
    ] {
        let count = counted(&telemetry, target, labels);
        assert_eq!(count, Some(1.0), "{labels} {}", telemetry.metrics());
    }
}

/// A server that resets the one call it gets, or stops to answer even pings.
async fn broken(resets: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(socket).await.unwrap();
        let (_request, mut respond) = connection.accept().await.unwrap().unwrap();
        if !resets {
            return std::future::pending().await;
        }
        respond.send_reset(h2::Reason::INTERNAL_ERROR);
        let _ = connection.accept().await;
    });
    target
}

#[tokio::test]
async fn a_server_that_breaks_off_is_a_reset_and_one_that_is_silent_a_timeout() {
    let telemetry = TestTelemetry::new();
    let target = broken(true).await;
    assert!(client(&telemetry, &target).unary("x").await.is_err());
    let target = broken(false).await;
    let soon = Duration::from_millis(20);
    let channel = Channel::from_shared(target.clone())
        .unwrap()
        .http2_keep_alive_interval(soon)
        .keep_alive_timeout(soon)
        .connect_lazy();
    let layer = GrpcLayer::new(&target).with_providers(telemetry.providers().clone());
    let channel = ServiceBuilder::new().layer(layer).service(channel);
    let status = EchoClient::new(channel).unary("x").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"CLIENT test.Echo/Unary rpc.response.status_code="UNKNOWN" error.type="reset" ERROR
CLIENT test.Echo/Unary rpc.response.status_code="UNAVAILABLE" error.type="timeout" ERROR
"#
    );
}

#[tokio::test]
async fn a_duration_has_the_span_as_its_exemplar() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    client(&telemetry, &target).unary("x").await.unwrap();
    let trace_id = telemetry.spans()[0].span_context.trace_id().to_string();
    let text = telemetry
        .providers()
        .scrape(ScrapeFormat::OpenMetrics)
        .unwrap();
    let is_exemplar = |line: &str| {
        line.starts_with("rpc_client_call_duration_seconds_bucket") && line.contains(&trace_id)
    };
    assert!(text.lines().any(is_exemplar), "{text}");
}

#[tokio::test]
async fn a_call_that_lost_its_context_says_so_once() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    let _default = telemetry.set_default();
    let mut client = client(&telemetry, &target);
    for _ in 0..2 {
        client.unary("x").await.unwrap();
    }
    let line = telemetry.assert_log("outside of any span");
    line.level(Level::DEBUG).count(1);
}

#[tokio::test]
async fn a_call_can_opt_out_and_the_principal_is_for_listed_targets_only() {
    let (telemetry, target) = (TestTelemetry::new(), serve().await);
    let providers = telemetry.providers();
    let layer = || GrpcLayer::new(&target).with_providers(providers.clone());
    let listed = || layer().with_propagation_to(&Hosts::new(["127.0.0.1"]));
    let caller = Principal::new("lovelace")
        .with_roles(["gold"])
        .attach_to(&Context::new());
    for (layer, opted_out, context, principal) in [
        (listed(), false, true, true),
        (layer(), false, true, false),
        (listed(), true, false, false),
    ] {
        let mut request = "metadata".to_owned().into_request();
        if opted_out {
            request.extensions_mut().insert(NoPropagation);
        }
        let mut client = layered(layer, &target);
        let call = client.send(request).with_context(caller.clone());
        let metadata = call.await.unwrap();
        assert_eq!(metadata.contains("traceparent"), context, "{metadata}");
        assert_eq!(metadata.contains("x-correlation-id"), context, "{metadata}");
        assert_eq!(
            metadata.contains("user.roles=gold"),
            principal,
            "{metadata}"
        );
        assert!(!metadata.contains("lovelace"), "{metadata}");
    }
    assert_eq!(telemetry.spans().len(), 3);
}
