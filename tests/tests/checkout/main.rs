//! One checkout is one trace, with metrics and logs that lead to it, over real OTLP.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod failures;
mod signals;

use axum::{Router, routing::get};
use reqwest::Response;
use serde_json::{Value, json};
use telemetry_core::{entry_span, pipeline::Protocol, step};
use telemetry_tests::{Running, Shop, layer};
use telemetry_viewer::{
    LogFilter, MetricValue, Trace, TraceFilter, TreeStyle, Viewer, ViewerOptions,
};

const CORRELATION: &str = "x-correlation-id";

async fn checkout(shop: &Shop, sku: &str, card: &str, id: &str) -> Response {
    let body = json!({ "sku": sku, "quantity": 2, "card": card });
    let url = format!("http://{}/checkout/execute", shop.web.address);
    let request = reqwest::Client::new()
        .post(url)
        .header("user-agent", "test/1")
        .header(CORRELATION, id);
    request.json(&body).send().await.unwrap()
}

/// The only trace of a correlation id.
fn trace(shop: &Shop, id: &str) -> Trace {
    shop.flush().unwrap();
    let mut traces = shop.viewer.store().traces(&TraceFilter::correlation_id(id));
    assert_eq!(traces.len(), 1, "{id}");
    traces.remove(0)
}

/// The tree as text. Whether a connection was idle is a matter of luck, so the spans that tell are left out.
fn tree(trace: &Trace, attributes: &[&str]) -> String {
    let spans: Vec<_> = trace
        .spans
        .iter()
        .filter(|span| span.name != "pool.acquire")
        .cloned()
        .collect();
    Trace::new(trace.trace_id, spans)
        .render(&TreeStyle::plain().with_attributes(attributes.iter().copied()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_one_trace_from_the_request_to_the_statements() {
    let shop = Shop::open().await.unwrap();
    let response = checkout(&shop, "SKU-1", "tok_visa", "abc-123").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CORRELATION], "abc-123");
    let receipt: Value = response.json().await.unwrap();
    assert_eq!(receipt["amount_cents"], 2 * 1999);

    let trace = trace(&shop, "abc-123");
    let shown = [
        "http.response.status_code",
        "retail.flow",
        "retail.stage",
        "correlation_id",
        "db.namespace",
    ];
    assert_eq!(
        tree(&trace, &shown),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=200 retail.flow=checkout correlation_id=abc-123
└─ Process_Checkout_Flow [retail-web] INTERNAL retail.flow=checkout
   ├─ Verify_Inventory_Status [retail-web] INTERNAL retail.flow=checkout retail.stage=inventory
   │  └─ GET [retail-web] CLIENT http.response.status_code=200
   │     └─ GET /inventory/check [retail-api] SERVER http.response.status_code=200 correlation_id=abc-123
   │        └─ SELECT inventory [retail-api] CLIENT db.namespace=retail.db
   ├─ Execute_Payment_Charge [retail-web] INTERNAL retail.flow=checkout retail.stage=payment
   │  └─ POST [retail-web] CLIENT http.response.status_code=200
   │     └─ POST /payment/charge [retail-api] SERVER http.response.status_code=200 correlation_id=abc-123
   │        └─ INSERT payments [retail-api] CLIENT db.namespace=retail.db
   └─ Create_Order_Record [retail-web] INTERNAL retail.flow=checkout retail.stage=order
      └─ POST [retail-web] CLIENT http.response.status_code=201
         └─ POST /orders [retail-api] SERVER http.response.status_code=201 correlation_id=abc-123
            ├─ BEGIN [retail-api] CLIENT db.namespace=retail.db
            ├─ UPDATE inventory [retail-api] CLIENT db.namespace=retail.db
            ├─ UPDATE payments [retail-api] CLIENT db.namespace=retail.db
            ├─ INSERT orders [retail-api] CLIENT db.namespace=retail.db
            ├─ send order-confirmations [retail-api] PRODUCER
            │  └─ INSERT outbox [retail-api] CLIENT db.namespace=retail.db
            └─ COMMIT [retail-api] CLIENT db.namespace=retail.db
"
    );
    // Said from inside a step, of the request.
    assert!(trace.root().unwrap().attribute("retail.order.id").is_some());
    let charge = trace.span_named("Execute_Payment_Charge").unwrap();
    let card = charge.attribute("retail.card").unwrap().to_string();
    assert!(card.len() == 32 && !card.contains("visa"), "{card}");
    assert_attributes(&shop, &trace);
}

/// Each kind of span has at least what the Flask example of the same shop has, with the convention's types.
fn assert_attributes(shop: &Shop, trace: &Trace) {
    let port = |running: &Running| format!("server.port={}", running.address.port());
    let (web_port, api_port) = (port(&shop.web), port(&shop.api));
    let client = |method: &'static str, status: &'static str| {
        vec![
            format!("http.request.method={method}"),
            format!("http.response.status_code={status}"),
            "network.peer.address=127.0.0.1".into(),
            api_port.replace("server.port", "network.peer.port"),
            "network.protocol.version=1.1".into(),
            "server.address=127.0.0.1".into(),
            api_port.clone(),
            "url.full=http://127.0.0.1:".into(),
            "user_agent.original=retail-web/".into(),
        ]
    };
    let server = |method: &str, route: &str, status: &str, port: &str| {
        vec![
            "client.address=127.0.0.1".to_owned(),
            "client.port=".into(),
            format!("http.request.method={method}"),
            format!("http.response.status_code={status}"),
            format!("http.route={route}"),
            "network.protocol.version=1.1".into(),
            "network.peer.address=127.0.0.1".into(),
            "server.address=127.0.0.1".into(),
            port.to_owned(),
            format!("url.path={route}"),
            "url.scheme=http".into(),
            "user_agent.original=".into(),
        ]
    };
    let sql = |summary: &str, text: &str| {
        vec![
            "db.system.name=sqlite".to_owned(),
            "db.namespace=".into(),
            format!("db.query.summary={summary}"),
            format!("db.query.text={text}"),
        ]
    };
    let expected = [
        (
            "POST /checkout/execute",
            server("POST", "/checkout/execute", "200", &web_port),
        ),
        ("GET", client("GET", "200")),
        ("GET /inventory/check", {
            let mut attributes = server("GET", "/inventory/check", "200", &api_port);
            attributes.push("url.query=sku=SKU-1&qty=2".into());
            attributes
        }),
        (
            "POST /payment/charge",
            server("POST", "/payment/charge", "200", &api_port),
        ),
        ("POST /orders", server("POST", "/orders", "201", &api_port)),
        (
            "SELECT inventory",
            sql(
                "SELECT inventory",
                "SELECT quantity, unit_price_cents FROM inventory WHERE sku = ?",
            ),
        ),
        (
            "INSERT payments",
            sql(
                "INSERT payments",
                "INSERT INTO payments (amount_cents, card) VALUES (?, ?)",
            ),
        ),
        (
            "INSERT orders",
            sql(
                "INSERT orders",
                "INSERT INTO orders (sku, quantity, payment_id) VALUES (?, ?, ?)",
            ),
        ),
    ];
    for (name, attributes) in expected {
        let span = trace.span_named(name).unwrap();
        let have: Vec<_> = span
            .attributes
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        for attribute in attributes {
            assert!(
                have.iter().any(|have| have.starts_with(&attribute)),
                "{name} lacks {attribute}: {have:#?}"
            );
        }
        let keys: std::collections::HashSet<_> =
            span.attributes.iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys.len(),
            span.attributes.len(),
            "{name} has an attribute twice: {have:#?}"
        );
    }
    for key in ["http.response.status_code", "server.port", "client.port"] {
        let span = trace.span_named("POST /orders").unwrap();
        let value = span.attribute(key).unwrap();
        assert!(
            matches!(value, telemetry_viewer::Value::Int(_)),
            "{key} is {value:?}"
        );
    }
    let resource = &trace.root().unwrap().resource;
    for key in [
        "service.name",
        "service.namespace",
        "service.version",
        "service.instance.id",
        "deployment.environment.name",
        "telemetry.sdk.name",
        "telemetry.sdk.language",
        "telemetry.sdk.version",
    ] {
        assert!(
            resource.iter().any(|(have, _)| have == key),
            "{key} in {resource:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_client_middleware_the_trace_splits_in_two() {
    // A middleware that does nothing, where the telemetry's would be.
    struct Nothing;
    #[async_trait::async_trait]
    impl reqwest_middleware::Middleware for Nothing {
        async fn handle(
            &self,
            request: reqwest::Request,
            extensions: &mut axum::http::Extensions,
            next: reqwest_middleware::Next<'_>,
        ) -> reqwest_middleware::Result<Response> {
            next.run(request, extensions).await
        }
    }
    let client = |_: &_, api: &str| Ok(retail_web::RetailApi::with_middleware(api, Nothing)?);
    let shop = Shop::open_with(client).await.unwrap();
    checkout(&shop, "SKU-SOLD-OUT", "tok_visa", "alone").await;
    let web = trace(&shop, "alone");
    assert_eq!(web.services(), ["retail-web"]);
    let api = shop
        .viewer
        .store()
        .traces(&TraceFilter::service("retail-api"));
    assert_eq!(api.len(), 1);
    assert_ne!(api[0].trace_id, web.trace_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_tracing_span_is_a_child_of_the_server_span_and_a_step_its_child() {
    #[tracing::instrument]
    async fn price(sku: &str) -> u32 {
        tracing::info!("pricing");
        step("Look_Up_Price")
            .run(async {
                entry_span().set_attribute("tenant", "blue");
                Ok::<_, std::io::Error>(1999)
            })
            .await
            .unwrap()
    }
    let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
    let service = Running::start(
        "prices",
        Protocol::HttpProtobuf,
        &viewer.http_endpoint(),
        async |telemetry| {
            Ok(Router::new()
                .route("/price", get(|| async { price("SKU-1").await.to_string() }))
                .layer(layer(telemetry)))
        },
    )
    .unwrap();
    let response = reqwest::get(format!("http://{}/price", service.address))
        .await
        .unwrap();
    let id = response.headers()[CORRELATION].to_str().unwrap().to_owned();
    service.telemetry.force_flush().unwrap();

    let trace = viewer
        .store()
        .traces(&TraceFilter::correlation_id(&id))
        .remove(0);
    assert_eq!(
        tree(&trace, &["sku", "tenant"]),
        "\
GET /price [prices] SERVER tenant=blue
└─ price [prices] INTERNAL sku=SKU-1
   └─ Look_Up_Price [prices] INTERNAL
"
    );
    let log = viewer
        .store()
        .logs(&LogFilter::correlation_id(&id))
        .remove(0);
    assert_eq!(
        log.span_id,
        trace.span_named("price").map(|span| span.span_id)
    );
}
