//! Tasks that a handler spawns by the idioms of `tracing` belong to its request.

use axum::{extract::FromRequestParts, middleware::from_fn, routing::get as on_get};
use telemetry_api::{CorrelationId, Principal, step};
use telemetry_axum::{Identified, identify};
use tokio::task::JoinSet;
use tracing::{Instrument as _, Span};

use super::*;

/// Work with a step and a log line, as a task would do it.
async fn work(name: &'static str) -> String {
    let step = step(name).run(async {
        tracing::info!("in {name}");
        Ok::<_, std::fmt::Error>(())
    });
    step.await.unwrap();
    let id = CorrelationId::current().map(|id| id.to_string());
    let roles = Principal::current().map(|it| it.roles().map(str::to_owned).collect::<Vec<_>>());
    format!("{} {:?}", id.unwrap_or_default(), roles.unwrap_or_default())
}

async fn spawning() -> String {
    let mut all = Vec::new();
    all.push(tokio::spawn(work("A").in_current_span()).await.unwrap());
    all.push(
        tokio::spawn(work("B").instrument(Span::current()))
            .await
            .unwrap(),
    );
    let mut set = JoinSet::new();
    set.spawn(work("C").in_current_span());
    all.push(set.join_next().await.unwrap().unwrap());
    // A second task, spawned by the first.
    let nested = async { tokio::spawn(work("D").in_current_span()).await.unwrap() };
    all.push(tokio::spawn(nested.in_current_span()).await.unwrap());
    // A span of the application around the spawned work.
    let own = tracing::info_span!("own");
    all.push(tokio::spawn(work("E").instrument(own)).await.unwrap());
    // The handler goes on in its own context.
    all.push(work("F").await);
    all.join("; ")
}

fn carried(routes: Router, telemetry: &TestTelemetry) -> Router {
    let layer = TelemetryLayer::new().with_tracing_span();
    routes.layer(layer.with_providers(telemetry.providers().clone()))
}

fn app(telemetry: &TestTelemetry) -> Router {
    carried(Router::new().route("/", on_get(spawning)), telemetry)
}

async fn text(app: &Router, request: Request<Body>) -> String {
    let response = app.clone().oneshot(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn with_id(id: &'static str) -> Request<Body> {
    let mut request = get("/");
    let id = http::HeaderValue::from_static(id);
    request.headers_mut().insert("x-correlation-id", id);
    request
}

#[tokio::test]
async fn spawned_work_is_below_the_server_span_and_has_its_ids() {
    let telemetry = TestTelemetry::new();
    let _current = telemetry.set_default();
    let answer = text(&app(&telemetry), with_id("abc")).await;
    assert_eq!(answer, ["abc []"; 6].join("; "));
    assert_eq!(
        telemetry.tree(&[]),
        "SERVER GET /\n  INTERNAL A\n  INTERNAL B\n  INTERNAL C\n  INTERNAL D\n  INTERNAL own\n    INTERNAL E\n  INTERNAL F\n"
    );
    let server = telemetry.spans()[6].span_context.trace_id();
    let logs = telemetry.logs();
    // Each step has a line of its own, too.
    assert_eq!(logs.len(), 12, "{logs:?}");
    for log in &logs {
        assert_eq!(log.trace_id, Some(server), "{log:?}");
    }
}

#[tokio::test]
async fn work_spawned_for_an_unsampled_caller_has_its_ids_and_no_spans() {
    let telemetry = TestTelemetry::new();
    let _current = telemetry.set_default();
    let mut request = with_id("abc");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let parent = http::HeaderValue::from_static(parent);
    request.headers_mut().insert("traceparent", parent);
    let answer = text(&app(&telemetry), request).await;
    assert_eq!(answer, ["abc []"; 6].join("; "));
    assert_eq!(telemetry.tree(&[]), "");
}

struct Gold;

impl<S: Sync> FromRequestParts<S> for Gold {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        _: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}

impl Identified for Gold {
    fn principal(&self) -> Option<Principal> {
        Some(Principal::new("ada").with_roles(["gold"]))
    }
}

#[tokio::test]
async fn spawned_work_is_on_behalf_of_the_principal_of_the_request() {
    let telemetry = TestTelemetry::new();
    let _current = telemetry.set_default();
    let routes = Router::new()
        .route("/", on_get(spawning))
        .route_layer(from_fn(identify::<Gold>));
    let answer = text(&carried(routes, &telemetry), with_id("abc")).await;
    assert_eq!(answer, ["abc [\"gold\"]"; 6].join("; "));
}

#[tokio::test]
async fn a_task_that_outlives_its_request_still_belongs_to_it() {
    let telemetry = TestTelemetry::new();
    let _current = telemetry.set_default();
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let (tell, told) = tokio::sync::oneshot::channel();
    let parts = std::sync::Mutex::new(Some((wait, tell)));
    let parts = std::sync::Arc::new(parts);
    let handler = move || {
        let parts = parts.lock().unwrap().take();
        async move {
            let (wait, tell) = parts.unwrap();
            let late = async move {
                wait.await.unwrap();
                let _ = tell.send(work("Late").await);
            };
            tokio::spawn(late.in_current_span());
        }
    };
    let app = carried(Router::new().route("/", on_get(handler)), &telemetry);
    send(&app, with_id("abc")).await;
    assert!(CorrelationId::current().is_none());
    go.send(()).unwrap();
    assert_eq!(told.await.unwrap(), "abc []");
    assert_eq!(telemetry.tree(&[]), "SERVER GET /\n  INTERNAL Late\n");
}
