use std::{
    fmt::Debug,
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, routing::get as on_get};
use futures_util::{FutureExt as _, stream};
use opentelemetry::trace::TraceContextExt;
use telemetry_api::CorrelationId;
use tracing::field::{Field, Visit};
use tracing_subscriber::{Layer, layer::SubscriberExt};

use super::*;

/// Collects events as text: level, name, fields in order, and the ids of the current context.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if !event.metadata().target().starts_with("telemetry_axum") {
            return;
        }
        let mut line = Line(format!(
            "{} {}",
            event.metadata().level(),
            event.metadata().name()
        ));
        event.record(&mut line);
        let ids = opentelemetry::Context::map_current(|cx| {
            let correlation = CorrelationId::of(cx).map(|id| id.to_string());
            format!(
                " | {} {}",
                cx.span().span_context().span_id(),
                correlation.unwrap_or_default()
            )
        });
        self.0.lock().unwrap().push(line.0 + &ids);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let shown = if field.name() == "duration" {
            "..".to_owned()
        } else {
            format!("{value:?}")
        };
        self.0.push_str(&format!(" {}={shown}", field.name()));
    }
}

/// The lines that are logged on this thread while the future runs.
pub(crate) async fn logged(run: impl Future<Output = ()>) -> Vec<String> {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    let _default = tracing::subscriber::set_default(subscriber);
    run.await;
    lines.0.lock().unwrap().clone()
}

fn shop() -> Router {
    async fn panics() -> &'static str {
        panic!("out of {}", "stock")
    }
    let failing = || async {
        Body::from_stream(stream::iter([
            Ok(Bytes::from("half")),
            Err(io::Error::other("disk full")),
        ]))
    };
    Router::new()
        .route("/orders/{id}", on_get(|| async { "order" }))
        .route("/panics", on_get(panics))
        .route("/fails", on_get(failing))
        .route(
            "/503",
            on_get(|| async { http::StatusCode::SERVICE_UNAVAILABLE }),
        )
}

#[tokio::test]
async fn an_access_log_line_says_how_a_request_ended_and_carries_its_ids() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_access_log();
    let app = shop().layer(layer.with_providers(telemetry.providers().clone()));
    let lines = logged(async {
        let mut request = get("/orders/7?secret=1");
        let headers = request.headers_mut();
        headers.insert("x-correlation-id", "abc".parse().unwrap());
        send(&app, request).await;
        let mut request = get("/nope;sig=secret?sig=secret");
        let peer = std::net::SocketAddr::from(([192, 0, 2, 7], 1234));
        request
            .extensions_mut()
            .insert(axum::extract::ConnectInfo(peer));
        send(&app, request).await;
        drop(app.clone().oneshot(get("/orders/8")).await.unwrap());
    })
    .await;
    let spans = telemetry.spans();
    let ids = |at: usize| {
        let span = &spans[at].span_context;
        (span.span_id(), span.trace_id())
    };
    let expected = [
        format!(
            r#"INFO http.server.request message="request" http.request.method="GET" http.route="/orders/{{id}}" http.response.status_code=200 http.request.body.size=0 http.response.body.size=5 telemetry.outcome="completed" duration=.. | {} abc"#,
            ids(0).0
        ),
        format!(
            r#"INFO http.server.request message="request" http.request.method="GET" url.path="/nope;sig=REDACTED" client.address=192.0.2.7 http.response.status_code=404 http.request.body.size=0 http.response.body.size=0 telemetry.outcome="completed" duration=.. | {} {}"#,
            ids(1).0,
            ids(1).1
        ),
        format!(
            r#"INFO http.server.request message="request" http.request.method="GET" http.route="/orders/{{id}}" http.response.status_code=200 http.request.body.size=0 http.response.body.size=0 telemetry.outcome="client_disconnected" duration=.. | {} {}"#,
            ids(2).0,
            ids(2).1
        ),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn an_exception_is_one_log_record_in_the_context_of_its_request() {
    let telemetry = TestTelemetry::new();
    let app = layered(layered(shop(), &telemetry), &telemetry);
    let lines = logged(async {
        let panicking = std::panic::AssertUnwindSafe(app.clone().oneshot(get("/panics")));
        assert!(panicking.catch_unwind().await.is_err());
        send(&app, get("/fails")).await;
        // A response with a status of 5xx is not an exception.
        send(&app, get("/503")).await;
        send(&app, get("/orders/7")).await;
    })
    .await;
    let spans = telemetry.spans();
    let id = |at: usize| {
        let span = &spans[at].span_context;
        format!("{} {}", span.span_id(), span.trace_id())
    };
    let expected = [
        format!(
            r#"ERROR http.server.request.exception message=request failed exception.type="panic" exception.message=out of stock | {}"#,
            id(0)
        ),
        format!(
            r#"ERROR http.server.request.exception message=request failed exception.type="axum_core::error::Error" exception.message=disk full | {}"#,
            id(1)
        ),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_service_that_fails_without_a_response_says_why() {
    let telemetry = TestTelemetry::new();
    let service = tower::service_fn(|_: Request<Body>| async {
        Err::<Response<Body>, _>(io::Error::other("no backend"))
    });
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let service = tower::Layer::layer(&layer, service);
    let lines = logged(async {
        assert!(service.oneshot(get("/")).await.is_err());
    })
    .await;
    assert!(
        lines[0].contains(r#"exception.type="std::io::error::Error" exception.message=no backend"#),
        "{lines:?}"
    );
    assert_eq!(
        telemetry.tree(&["error.type", "telemetry.outcome"]),
        "SERVER GET error.type=\"service_error\" telemetry.outcome=\"service_error\" ERROR\n"
    );
    assert_eq!(active(&telemetry), Some(0.0));
}

/// An error whose `Display` panics.
#[derive(Debug)]
struct Unprintable;

impl std::fmt::Display for Unprintable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("while it is shown")
    }
}

/// A subscriber layer that panics at every event.
struct Broken;

impl<S: tracing::Subscriber> Layer<S> for Broken {
    fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        panic!("the disk of the log is full")
    }
}

fn measured(telemetry: &TestTelemetry) -> usize {
    let metrics = telemetry.metrics();
    let counts = metrics
        .lines()
        .filter(|line| line.starts_with("http_server_request_duration_seconds_count"));
    counts.count()
}

#[tokio::test]
async fn an_error_that_panics_when_it_is_shown_ends_its_request_all_the_same() {
    let telemetry = TestTelemetry::new();
    let service =
        tower::service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>(Unprintable) });
    let layer = TelemetryLayer::new()
        .with_providers(telemetry.providers().clone())
        .with_access_log();
    let service = tower::Layer::layer(&layer, service);
    let lines = logged(async {
        let answer = std::panic::AssertUnwindSafe(service.oneshot(get("/"))).catch_unwind();
        // The caller of the service gets the error, and not the panic of the log line.
        assert!(answer.await.is_ok_and(|answer| answer.is_err()));
    })
    .await;
    assert!(
        lines
            .last()
            .is_some_and(|line| line.contains("service_error")),
        "{lines:?}"
    );
    assert_eq!(
        telemetry.tree(&["telemetry.outcome"]),
        "SERVER GET telemetry.outcome=\"service_error\" ERROR\n"
    );
    assert_eq!((active(&telemetry), measured(&telemetry)), (Some(0.0), 1));
}

#[tokio::test]
async fn a_log_that_panics_takes_no_request_with_it() {
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_access_log();
    let app = shop().layer(layer.with_providers(telemetry.providers().clone()));
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(Broken));
    let answer = std::panic::AssertUnwindSafe(send(&app, get("/orders/7"))).catch_unwind();
    assert!(answer.await.is_ok_and(|answer| answer.status() == 200));
    // The same holds if the request ends while another panic unwinds.
    let response = app.clone().oneshot(get("/orders/8")).await.unwrap();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _response = response;
        panic!("of the server")
    }));
    assert!(unwound.is_err());
    assert_eq!(
        telemetry.tree(&["telemetry.outcome"]),
        "SERVER GET /orders/{id}\nSERVER GET /orders/{id} telemetry.outcome=\"panicked\" ERROR\n"
    );
    assert_eq!((active(&telemetry), measured(&telemetry)), (Some(0.0), 2));
}
