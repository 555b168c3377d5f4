//! Telemetry that its operator switched off: it passes on what came, and logs.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use axum::{Router, http::HeaderMap, routing::get};
use serde_json::Value;
use telemetry_core::{Config, Service, pipeline::LogFormat, step};
use telemetry_reqwest::TelemetryMiddleware;
use telemetry_tests::{layer, operations};
use tokio::net::TcpListener;

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn switched_off_it_passes_the_callers_trace_on_and_still_logs() {
    let lines = Arc::new(Mutex::new(Vec::<Value>::new()));
    let sink = lines.clone();
    let telemetry = Config::new(Service::new("shop").namespace("retail"))
        .with_environment([("OTEL_SDK_DISABLED", "true"), ("RUST_LOG", "info")])
        .with_log_format(LogFormat::Json)
        .with_log_sink(move |line| {
            sink.lock()
                .unwrap()
                .push(serde_json::from_str(line).unwrap())
        })
        .build()
        .unwrap();
    let _providers = telemetry.providers().set_default();
    let _subscriber = tracing::dispatcher::set_default(telemetry.dispatch());

    let heard = async |headers: HeaderMap| {
        [
            text(&headers, "traceparent"),
            text(&headers, "x-correlation-id"),
        ]
        .join(" ")
    };
    let downstream = serve(Router::new().route("/", get(heard))).await;
    let directory = tempfile::tempdir().unwrap();
    let pool = retail_api::database::open(&directory.path().join("shop.db"))
        .await
        .unwrap();
    let pool = pool.with_providers(telemetry.providers().clone());
    let middleware = TelemetryMiddleware::new().with_providers(telemetry.providers().clone());
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(middleware)
        .build();
    let handler = async move || {
        let charge = async { Err::<(), _>(std::fmt::Error) };
        step("Charge")
            .flow("checkout")
            .run(charge)
            .await
            .unwrap_err();
        sqlx::query("SELECT 1").execute(&pool).await.unwrap();
        let answer = client.get(downstream).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let app = Router::new()
        .route("/orders/{id}", get(handler))
        .merge(operations(&telemetry))
        .layer(layer(&telemetry).with_access_log());
    let url = serve(app).await;

    let request = reqwest::Client::new().get(format!("{url}/orders/1"));
    let request = request
        .header("traceparent", CALLER)
        .header("x-correlation-id", "abc-123");
    let answer = request.send().await.unwrap();
    assert_eq!(text(answer.headers(), "x-correlation-id"), "abc-123");
    // The span is the caller's still: here is none.
    assert_eq!(answer.text().await.unwrap(), format!("{CALLER} abc-123"));
    // A request without a caller has an id all the same.
    let answer = reqwest::get(format!("{url}/orders/2")).await.unwrap();
    let id = text(answer.headers(), "x-correlation-id").to_owned();
    assert_eq!(id.len(), 32);
    assert_eq!(answer.text().await.unwrap(), format!(" {id}"));
    let scrape = reqwest::get(format!("{url}/metrics")).await.unwrap();
    assert_eq!(
        (scrape.status().as_u16(), &*scrape.text().await.unwrap()),
        (200, "")
    );
    assert_eq!(telemetry.shutdown(), Ok(()));

    let lines = lines.lock().unwrap();
    for (correlation_id, trace_id) in [
        ("abc-123", Some("4bf92f3577b34da6a3ce929d0e0e4736")),
        (&id, None),
    ] {
        let mine = lines
            .iter()
            .filter(|line| line["correlation_id"] == correlation_id);
        let mine: Vec<_> = mine.collect();
        let [step, access] = &*mine else {
            panic!("{lines:?}");
        };
        assert!(step.to_string().contains("Charge"), "{step}");
        assert!(access.to_string().contains("/orders/{id}"), "{access}");
        for line in mine {
            assert_eq!(line["trace_id"].as_str(), trace_id, "{line}");
        }
    }
}
