//! A panic while the pipeline's panic hook is set. It has its own binary, because the hook is global.

// Clippy allows these in test functions, but not in their helpers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, routing::get};
use futures_util::FutureExt as _;
use http::Request;
use telemetry_axum::TelemetryLayer;
use telemetry_pipeline::{Config, LogFormat};
use tower::ServiceExt as _;

#[tokio::test]
async fn a_panic_is_one_exception_and_what_no_hook_has_seen_is_one_too() {
    let lines = Arc::new(Mutex::new(Vec::<String>::new()));
    let kept = lines.clone();
    let none = [
        "OTEL_TRACES_EXPORTER",
        "OTEL_METRICS_EXPORTER",
        "OTEL_LOGS_EXPORTER",
    ];
    let _telemetry = Config::new("shop")
        .with_environment(none.map(|name| (name, "none")))
        .with_log_format(LogFormat::Json)
        .with_log_sink(move |line| kept.lock().unwrap().push(line.to_owned()))
        .bootstrap()
        .unwrap();
    async fn panics() -> &'static str {
        panic!("no stock")
    }
    // The hook logs this panic on this thread. It must not count for the panic of the next request.
    assert!(std::panic::catch_unwind(|| panic!("elsewhere")).is_err());
    lines.lock().unwrap().clear();
    async fn panics_unseen() -> &'static str {
        resume_unwind(Box::new("no stock"))
    }
    let app = Router::new()
        .route("/", get(panics))
        .route("/unseen", get(panics_unseen))
        .layer(TelemetryLayer::new());
    for (path, target) in [
        ("/unseen", "telemetry_axum"),
        ("/", "panic"),
        ("/unseen", "telemetry_axum"),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answered = AssertUnwindSafe(app.clone().oneshot(request)).catch_unwind();
        assert!(answered.await.is_err());
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        let exceptions = lines
            .iter()
            .filter(|line| line.contains("exception.message"));
        let exceptions: Vec<_> = exceptions.collect();
        assert_eq!(exceptions.len(), 1, "{path}: {lines:#?}");
        let target = format!("\"target\":\"{target}\"");
        assert!(exceptions[0].contains(&target), "{path}: {exceptions:?}");
    }
}
