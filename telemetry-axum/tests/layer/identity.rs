use std::sync::{Arc, Mutex};

use axum::{
    Router, body::Bytes, extract::FromRequestParts, middleware::from_fn, routing::get as on_get,
};
use futures_util::{FutureExt as _, stream};
use http::{StatusCode, request::Parts};
use telemetry_api::Principal;
use telemetry_axum::{Identified, identify};
use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// The caller as the application knows it, from a header that stands for a verified token.
struct Caller(Option<String>);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        match parts.headers.get("x-user").map(|user| user.to_str()) {
            Some(Ok("mallory")) => Err(StatusCode::UNAUTHORIZED),
            Some(user) => Ok(Self(user.ok().map(str::to_owned))),
            None => Ok(Self(None)),
        }
    }
}

impl Identified for Caller {
    fn principal(&self) -> Option<Principal> {
        let id = self.0.as_ref()?;
        Some(Principal::new(id).with_roles(["customer"]))
    }
}

type Seen = Arc<Mutex<Vec<Option<Principal>>>>;

/// Records the principal in the handler and while the response's body is sent.
fn app(telemetry: &TestTelemetry, seen: &Seen) -> Router {
    layered(routes(seen), telemetry)
}

/// The same for callers that may name a principal.
fn trusting(telemetry: &TestTelemetry, seen: &Seen) -> Router {
    let layer = TelemetryLayer::new().with_callers_principal();
    routes(seen).layer(layer.with_providers(telemetry.providers().clone()))
}

fn routes(seen: &Seen) -> Router {
    let handler = {
        let seen = seen.clone();
        move || async move {
            seen.lock().unwrap().push(Principal::current());
            axum::body::Body::from_stream(stream::once(async move {
                seen.lock().unwrap().push(Principal::current());
                Ok::<_, std::convert::Infallible>(Bytes::from_static(b"done"))
            }))
        }
    };
    Router::new()
        .route("/", on_get(handler))
        .route_layer(from_fn(identify::<Caller>))
}

fn from(header: &'static str, value: &str) -> Request<Body> {
    let mut request = get("/");
    request.headers_mut().insert(header, value.parse().unwrap());
    request
}

const SHOWN: [&str; 3] = ["user.id", "user.hash", "user.roles"];

#[tokio::test]
async fn the_principal_of_the_extractor_is_on_the_span_in_the_handler_and_in_the_body() {
    let (telemetry, seen) = (TestTelemetry::new(), Seen::default());
    let app = app(&telemetry, &seen);
    send(&app, from("x-user", "ada")).await;
    let ada = Principal::new("ada").with_roles(["customer"]);
    assert_eq!(
        *seen.lock().unwrap(),
        [Some(ada.clone()), Some(ada.clone())]
    );
    assert_eq!(Principal::current(), None);
    let hash = ada.hash().unwrap();
    assert_eq!(
        telemetry.tree(&SHOWN),
        format!("SERVER GET / user.hash={hash:?} user.roles=[\"customer\"]\n")
    );
}

#[tokio::test]
async fn nobody_in_particular_is_nobody_and_a_rejection_is_the_answer() {
    let (telemetry, seen) = (TestTelemetry::new(), Seen::default());
    let app = app(&telemetry, &seen);
    send(&app, get("/")).await;
    assert_eq!(*seen.lock().unwrap(), [None, None]);
    let refused = send(&app, from("x-user", "mallory")).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(telemetry.tree(&SHOWN), "SERVER GET /\nSERVER GET /\n");
}

#[tokio::test]
async fn a_callers_principal_is_taken_over_only_by_option_and_never_from_strangers() {
    let sent = "user.hash=abc,user.roles=customer%2Cgold,user.id=ada";
    let (telemetry, seen) = (TestTelemetry::new(), Seen::default());
    send(&app(&telemetry, &seen), from("baggage", sent)).await;
    assert_eq!(seen.lock().unwrap()[0], None);
    assert_eq!(telemetry.tree(&SHOWN), "SERVER GET /\n");

    let (telemetry, seen) = (TestTelemetry::new(), Seen::default());
    send(&trusting(&telemetry, &seen), from("baggage", sent)).await;
    let principal = seen.lock().unwrap()[0].clone().unwrap();
    assert_eq!((principal.hash(), principal.id()), (Some("abc"), None));
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / user.hash=\"abc\" user.roles=[\"customer\",\"gold\"]\n"
    );

    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new()
        .with_providers(telemetry.providers().clone())
        .with_callers_principal()
        .with_public_endpoint();
    let handler = async || assert_eq!(Principal::current(), None);
    let public = Router::new().route("/", on_get(handler)).layer(layer);
    send(&public, from("baggage", sent)).await;
    assert_eq!(telemetry.tree(&SHOWN), "SERVER GET /\n");
}

#[tokio::test]
async fn whom_the_service_itself_identified_replaces_whom_the_caller_named() {
    let (telemetry, seen) = (TestTelemetry::new(), Seen::default());
    let mut request = from("baggage", "user.hash=abc,user.roles=admin");
    request
        .headers_mut()
        .insert("x-user", "bob".parse().unwrap());
    send(&trusting(&telemetry, &seen), request).await;
    let bob = Principal::new("bob").with_roles(["customer"]);
    assert_eq!(
        *seen.lock().unwrap(),
        [Some(bob.clone()), Some(bob.clone())]
    );
    let hash = bob.hash().unwrap();
    assert_eq!(
        telemetry.tree(&SHOWN),
        format!("SERVER GET / user.hash={hash:?} user.roles=[\"customer\"]\n")
    );
}

/// A handler that ends in the given way, and logs a line when it is dropped.
fn of_bob(telemetry: &TestTelemetry, ends: fn() -> Ending) -> Router {
    let handler = move || async move {
        struct Held;
        impl Drop for Held {
            fn drop(&mut self) {
                tracing::info!("dropped");
            }
        }
        let _held = Held;
        match ends() {
            Ending::Panic => panic!("out of stock"),
            Ending::Never => std::future::pending().await,
            Ending::Body => Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()),
        }
    };
    let routes = Router::new()
        .route("/", on_get(handler))
        .route_layer(from_fn(identify::<Caller>));
    let layer = TelemetryLayer::new()
        .with_callers_principal()
        .with_access_log();
    routes.layer(layer.with_providers(telemetry.providers().clone()))
}

enum Ending {
    Panic,
    Never,
    Body,
}

/// The spans and the log lines, each with its principal, of a request whose client disconnects.
async fn shown(ends: fn() -> Ending, user: &str) -> (String, Vec<Line>) {
    let telemetry = TestTelemetry::new();
    let lines = Lines::default();
    {
        let subscriber = tracing_subscriber::registry().with(lines.clone());
        let _default = tracing::subscriber::set_default(subscriber);
        let mut request = from("baggage", "user.hash=abc,user.roles=admin");
        request
            .headers_mut()
            .insert("x-user", user.parse().unwrap());
        let app = of_bob(&telemetry, ends);
        let answer = std::panic::AssertUnwindSafe(app.oneshot(request)).catch_unwind();
        // The client disconnects after the first poll.
        drop(answer.now_or_never());
    }
    let lines = lines.0.lock().unwrap().clone();
    (telemetry.tree(&SHOWN), lines)
}

type Line = (String, Option<Principal>);

/// Collects the name and the principal of each log line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let name = match event.metadata().target() {
            target if target.starts_with("telemetry_axum") => event.metadata().name(),
            target if target.starts_with("layer") => "dropped",
            _ => return,
        };
        let line = (name.to_owned(), Principal::current());
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn however_a_request_ends_its_lines_name_whom_the_service_identified() {
    let bob = Principal::new("bob").with_roles(["customer"]);
    let tree = format!(
        "SERVER GET / user.hash={:?} user.roles=[\"customer\"]",
        bob.hash().unwrap()
    );
    for (ends, names) in [
        (
            (|| Ending::Panic) as fn() -> Ending,
            [
                "dropped",
                "http.server.request.exception",
                "http.server.request",
            ]
            .as_slice(),
        ),
        (|| Ending::Never, &["dropped", "http.server.request"]),
        (|| Ending::Body, &["dropped", "http.server.request"]),
    ] {
        let (spans, lines) = shown(ends, "bob").await;
        assert!(spans.starts_with(&tree), "{spans}");
        let expected: Vec<_> = names
            .iter()
            .map(|name| ((*name).to_owned(), Some(bob.clone())))
            .collect();
        assert_eq!(lines, expected);
    }
}

#[tokio::test]
async fn whom_a_rejected_caller_claims_to_be_is_nowhere() {
    let (spans, lines) = shown(|| Ending::Never, "mallory").await;
    assert!(
        spans.starts_with("SERVER GET /") && !spans.contains("user."),
        "{spans}"
    );
    assert_eq!(
        lines,
        [("http.server.request".to_owned(), Some(Principal::default()))]
    );
}
