//! The body of a response runs in the context of its request: while it is polled, after its end, and when it is dropped.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, routing::get as on_get};
use futures_util::{StreamExt as _, stream};
use telemetry_api::CorrelationId;

use super::*;

type Seen = Arc<Mutex<Vec<(&'static str, Option<CorrelationId>)>>>;

fn see(seen: &Seen, what: &'static str) {
    let now = (what, CorrelationId::current());
    seen.lock().unwrap().push(now);
}

/// Logs a line when it is dropped.
struct Held(Seen);

impl Drop for Held {
    fn drop(&mut self) {
        see(&self.0, "dropped");
    }
}

/// Streams two chunks of two bytes, and then more than the headers declare.
fn app(seen: &Seen, promise: Option<&'static str>) -> Router {
    let seen = seen.clone();
    let handler = move || async move {
        let held = Held(seen.clone());
        let chunks = stream::iter(["ab", "cd"])
            .chain(stream::repeat(""))
            .map(move |chunk| {
                see(&held.0, "polled");
                Ok::<_, Infallible>(Bytes::from(chunk))
            });
        let mut response = Response::new(Body::from_stream(chunks));
        if let Some(length) = promise {
            let length = http::HeaderValue::from_static(length);
            response.headers_mut().insert("content-length", length);
        }
        response
    };
    Router::new().route("/", on_get(handler))
}

/// Reads three frames, drops the body, and checks which context was current meanwhile.
async fn check(app: Router, seen: &Seen) {
    let mut request = get("/");
    let headers = request.headers_mut();
    headers.insert("x-correlation-id", "abc".parse().unwrap());
    let mut body = app.oneshot(request).await.unwrap().into_body();
    for _ in 0..3 {
        body.frame().await.unwrap().unwrap();
    }
    drop(body);
    let abc = CorrelationId::parse("abc");
    let expected = ["polled", "polled", "polled", "dropped"].map(|what| (what, abc.clone()));
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(CorrelationId::current(), None);
}

#[tokio::test]
async fn a_stream_is_polled_and_dropped_in_its_request() {
    let (telemetry, seen) = (TestTelemetry::new(), Seen::default());
    check(layered(app(&seen, None), &telemetry), &seen).await;
    assert_eq!(
        telemetry.tree(&["telemetry.outcome"]),
        "SERVER GET / telemetry.outcome=\"client_disconnected\"\n"
    );
}

#[tokio::test]
async fn past_its_promised_length_it_is_still_its_requests() {
    let (telemetry, seen) = (TestTelemetry::new(), Seen::default());
    check(layered(app(&seen, Some("4")), &telemetry), &seen).await;
    assert_eq!(telemetry.tree(&["telemetry.outcome"]), "SERVER GET /\n");
}

#[tokio::test]
async fn without_a_pipeline_a_stream_has_the_correlation_id_all_the_same() {
    let seen = Seen::default();
    check(app(&seen, None).layer(TelemetryLayer::new()), &seen).await;
}
