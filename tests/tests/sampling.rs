//! Errors are kept whatever is sampled, in every adapter and over real OTLP.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;
use telemetry_core::pipeline::SamplerPolicy;
use telemetry_tests::Shop;
use telemetry_viewer::{Trace, TraceFilter, TreeStyle};

async fn checkout(shop: &Shop, card: &str, id: &str) -> u16 {
    let url = format!("http://{}/checkout/execute", shop.web.address);
    let request = reqwest::Client::new()
        .post(url)
        .header("x-correlation-id", id)
        .json(&json!({ "sku": "SKU-1", "quantity": 2, "card": card }));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_checkout_that_nobody_sampled_is_kept_by_every_service_it_failed_in() {
    let shop = Shop::open().await.unwrap();
    for service in [&shop.web, &shop.api] {
        let policy = SamplerPolicy::always_off().keeping_errors();
        service.telemetry.set_sampler(policy);
    }
    assert_eq!(checkout(&shop, "tok_visa", "good").await, 200);
    assert_eq!(checkout(&shop, "tok_gateway_down", "bad").await, 502);
    shop.flush().unwrap();

    let found = |id| shop.viewer.store().traces(&TraceFilter::correlation_id(id));
    assert!(found("good").is_empty());
    let [trace] = found("bad").try_into().unwrap();
    let spans = trace
        .spans
        .iter()
        .filter(|span| span.name != "pool.acquire");
    let shown = ["http.response.status_code", "error.type", "telemetry.kept"];
    assert_eq!(
        Trace::new(trace.trace_id, spans.cloned())
            .render(&TreeStyle::plain().with_attributes(shown)),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=502 error.type=502 telemetry.kept=error ERROR 502
└─ Process_Checkout_Flow [retail-web] INTERNAL error.type=upstream ERROR upstream \"retail-api answered 500 Internal Server Error\"
   ├─ Verify_Inventory_Status [retail-web] INTERNAL
   │  └─ GET [retail-web] CLIENT http.response.status_code=200
   └─ Execute_Payment_Charge [retail-web] INTERNAL error.type=upstream ERROR upstream \"retail-api answered 500 Internal Server Error\"
      └─ POST [retail-web] CLIENT http.response.status_code=500 error.type=500 ERROR 500
         └─ POST /payment/charge [retail-api] SERVER http.response.status_code=500 error.type=500 telemetry.kept=error ERROR 500
"
    );
}
