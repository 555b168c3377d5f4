//! The customer reaches the logs and spans of the service behind, and a stranger's claim does not.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use telemetry_core::Principal;
use telemetry_reqwest::TelemetryMiddleware;
use telemetry_tests::{Running, Shop};
use telemetry_viewer::{Trace, TraceFilter};

async fn checkout(shop: &Shop, token: &str) -> Trace {
    let body = json!({ "sku": "SKU-1", "quantity": 1, "card": "tok_visa" });
    let request = reqwest::Client::new()
        .post(format!("http://{}/checkout/execute", shop.web.address))
        .header("x-correlation-id", token)
        // Anybody on the internet may claim this.
        .header("baggage", "user.hash=abc,user.roles=admin")
        .bearer_auth(token);
    let response = request.json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    shop.flush().unwrap();
    shop.viewer
        .store()
        .traces(&TraceFilter::correlation_id(token))
        .remove(0)
}

/// The user's fields on the lines of a service, for the request of that correlation id.
fn users(service: &Running, id: &str) -> Vec<(Value, Value)> {
    let lines = service.logged();
    let lines = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = lines.filter(|line| line["correlation_id"] == id);
    lines
        .map(|line| (line["user.hash"].clone(), line["user.roles"].clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_a_customer_is_on_the_spans_and_log_lines_of_both_services() {
    let shop = Shop::open().await.unwrap();
    let trace = checkout(&shop, "tok_ada").await;
    let hash = Principal::new("ada@shop.example")
        .hash()
        .unwrap()
        .to_owned();
    let ada = (json!(hash), json!(["customer", "gold"]));
    for (service, at_least) in [(&shop.web, 1), (&shop.api, 3)] {
        let users = users(service, "tok_ada");
        assert!(users.len() >= at_least, "{users:?}");
        assert!(users.iter().all(|user| *user == ada), "{users:?}");
        let lines = service.logged().concat();
        assert!(!lines.contains("ada@shop.example"), "{lines}");
    }
    for name in [
        "POST /checkout/execute",
        "GET /inventory/check",
        "POST /orders",
    ] {
        let span = trace.span_named(name).unwrap();
        let roles = span.attribute("user.roles").unwrap().to_string();
        assert_eq!(roles, "[customer, gold]", "{name}");
        assert_eq!(span.attribute("user.hash").unwrap().as_str(), Some(&*hash));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_nobody() {
    let shop = Shop::open().await.unwrap();
    let trace = checkout(&shop, "tok_unknown").await;
    assert!(
        trace
            .spans
            .iter()
            .all(|span| span.attribute("user.roles").is_none())
    );
    let users = users(&shop.api, "tok_unknown");
    assert!(
        users.iter().all(|user| *user == (Value::Null, Value::Null)),
        "{users:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_listed_is_not_told_who_the_customer_is() {
    let shop = Shop::open_with(|web, api| {
        let everybody = TelemetryMiddleware::new().with_providers(web.providers().clone());
        Ok(retail_web::RetailApi::with_middleware(api, everybody)?)
    });
    let shop = shop.await.unwrap();
    let trace = checkout(&shop, "tok_bob").await;
    let roles = |name| trace.span_named(name).unwrap().attribute("user.roles");
    assert!(roles("POST /checkout/execute").is_some());
    assert!(roles("POST /orders").is_none());
    let users = users(&shop.api, "tok_bob");
    assert!(
        users.iter().all(|user| *user == (Value::Null, Value::Null)),
        "{users:?}"
    );
}
