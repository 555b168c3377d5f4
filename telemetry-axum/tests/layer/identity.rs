use std::sync::{Arc, Mutex};

use axum::{
    Router, body::Bytes, extract::FromRequestParts, middleware::from_fn, routing::get as on_get,
};
use futures_util::stream;
use http::{StatusCode, request::Parts};
use telemetry_axum::{Identified, identify};
use telemetry_core::Principal;

use super::*;

/// What the application knows of a caller, from a header that stands for a verified token.
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

/// Notes the principal in the handler and while the response's body is sent.
fn app(telemetry: &TestTelemetry, seen: &Seen) -> Router {
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
    let routes = Router::new()
        .route("/", on_get(handler))
        .route_layer(from_fn(identify::<Caller>));
    layered(routes, telemetry)
}

fn from(header: &'static str, value: &str) -> Request<Body> {
    let mut request = get("/");
    request.headers_mut().insert(header, value.parse().unwrap());
    request
}

const SHOWN: [&str; 3] = ["user.id", "user.hash", "user.roles"];

#[tokio::test]
async fn what_the_extractor_says_is_on_the_span_in_the_handler_and_in_the_body() {
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
async fn a_callers_principal_is_taken_over_unless_callers_are_strangers() {
    let sent = "user.hash=abc,user.roles=customer%2Cgold,user.id=ada";
    let (telemetry, seen) = (TestTelemetry::new(), Seen::default());
    send(&app(&telemetry, &seen), from("baggage", sent)).await;
    let principal = seen.lock().unwrap()[0].clone().unwrap();
    assert_eq!((principal.hash(), principal.id()), (Some("abc"), None));
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / user.hash=\"abc\" user.roles=[\"customer\",\"gold\"]\n"
    );

    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new()
        .with_providers(telemetry.providers().clone())
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
    send(&app(&telemetry, &seen), request).await;
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
